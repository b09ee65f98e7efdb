"""Profiles of viewers as the site knows them."""

from datetime import datetime
from typing import NamedTuple

from django.db import connection

from catalog.keys import Key

_SELECT_PROFILE = """SELECT v.id, v.key, v.account, v.age_limit, v.language, v.country,
                            v.is_session, v.created_at
                     FROM catalog_viewer v"""


class Profile(NamedTuple):
    """What the site said of a viewer."""

    viewer_id: int
    key_text: str | None  # None: the id is the key
    account: str  # its key as text; empty: of no account
    age_limit: int | None  # years
    language: str  # BCP 47; empty: not known
    country: str  # ISO 3166; empty: not known
    is_session: bool
    created_at: datetime

    @property
    def key(self) -> Key:
        """The viewer's key."""
        return self.viewer_id if self.key_text is None else self.key_text


def viewer_profile(key: Key) -> Profile | None:
    """Return a viewer's profile; None for an unknown viewer."""
    condition = "v.id = %s" if isinstance(key, int) else "v.key = %s"
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT_PROFILE} WHERE {condition}", [key])
        row = cursor.fetchone()
    return Profile(*row) if row else None


def account_profiles(account: str) -> list[Profile]:
    """Return the profiles of an account, in the order in which they came."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_SELECT_PROFILE} WHERE v.account = %s AND v.account <> '' ORDER BY v.created_at, v.id", [account]
        )
        return [Profile(*row) for row in cursor.fetchall()]
