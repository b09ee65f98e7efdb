"""Writes to the profile of one viewer, by the site."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction

from catalog.errors import AccountFullError
from catalog.keys import Key
from catalog.models import Viewer
from catalog.selectors.viewer_data import find_viewer
from catalog.services.events import bump_versions, send_viewers_changed
from catalog.services.viewer_rows import lock_viewers_by_key

_LOCK_NAMESPACE = 5_270_403  # any number, the same in every process
PROFILE_DEFAULTS: Mapping[str, Any] = {"age_limit": None, "language": "", "country": "", "account": ""}


class ProfileWrite(NamedTuple):
    """What a write to a profile did."""

    is_new: bool
    changed: list[str]  # names of the fields
    versions: dict[int, int]  # of the viewer, where lists made before are stale: viewer id -> version


def write_profile(
    key: Key, values: Mapping[str, Any], *, create: bool, is_session: bool = False, announce: bool = True
) -> ProfileWrite | None:
    """Change the named fields of a viewer's profile; None for an unknown viewer, unless `create`.

    A viewer who is created is an account, unless `is_session`, and so is one who belongs to one. Raises
    AccountFullError where the account has as many profiles as it may. `announce` as in record_events().
    """
    with transaction.atomic():
        is_new = find_viewer(key) is None
        locked = lock_viewers_by_key([key], create=[key] if create else [], sessions=[key] if is_session else [])
        if key not in locked:
            return None
        viewer = Viewer.objects.get(pk=locked[key].id)
        changed = [name for name, value in values.items() if getattr(viewer, name) != value]
        if "account" in changed and values["account"] and account_room(values["account"]) <= 0:
            raise AccountFullError(account_full())
        for name in changed:
            setattr(viewer, name, values[name])
        viewer.is_session &= not viewer.account
        viewer.save(update_fields=[*changed, "is_session"])
        versions = bump_versions([viewer.pk]) if is_new or set(changed) - {"account"} else {}
        if announce:
            send_viewers_changed(versions)
    return ProfileWrite(is_new, changed, versions)


def account_room(account: str) -> int:
    """Return how many more profiles an account may have; serial for each account until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK_NAMESPACE, account])
    return int(settings.PROFILES_PER_ACCOUNT) - Viewer.objects.filter(account=account).count()


def account_full() -> str:
    """Return why an account takes no more profiles, and what to do."""
    return (
        f"The account has {settings.PROFILES_PER_ACCOUNT} profiles, as many as it may. Take one out of it, or erase "
        "one; the operator sets the limit as MOVIEREC_PROFILES_PER_ACCOUNT."
    )
