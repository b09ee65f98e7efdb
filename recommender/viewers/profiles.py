"""Write profiles, and erase the profiles of an account."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db import transaction

from catalog import selectors, services
from catalog.keys import Key
from recommender import audit, cache, privacy


class WrittenProfile(NamedTuple):
    """Hold a profile as it is now, and whether every later read reflects it (`visible`)."""

    profile: selectors.Profile
    is_new: bool
    visible: bool


class AccountErasure(NamedTuple):
    """Hold what was erased of an account; `profiles` holds its former viewers."""

    profiles: list[selectors.Profile]
    results: list[privacy.ErasureResult]


def write_profile(
    key: Key, values: Mapping[str, Any], *, create: bool, is_session: bool = False
) -> WrittenProfile | None:
    """Change the named fields of a profile, note which, and publish the viewer's version.

    None for an unknown viewer, unless `create`, then as a session where `is_session`. Raises AccountFullError.
    """
    with transaction.atomic():
        written = services.write_profile(key, values, create=create, is_session=is_session, announce=False)
        if written is None:
            return None
        if written.changed or written.is_new:
            made = ["made"] if written.is_new else []
            audit.record(audit.Action.PROFILE, details=", ".join([*made, *written.changed]))
        profile = selectors.viewer_profile(key)
    assert profile is not None, "the row is locked until here"
    return WrittenProfile(profile, written.is_new, cache.try_publish_viewer_versions(written.versions))


def erase_account(account: str) -> AccountErasure:
    """Erase every profile of an account. Erasing twice, or an unknown account, does no harm."""
    profiles = selectors.account_profiles(account)
    return AccountErasure(profiles, [privacy.erase_viewer(profile.key) for profile in profiles])
