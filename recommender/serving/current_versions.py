"""What is true now: the stamps as Redis has them, and from Postgres where it does not."""

from contextlib import suppress
from typing import NamedTuple

from catalog import selectors
from recommender import cache, registry
from recommender.cache import CacheUnavailable, StoredList, Versions

ANONYMOUS = 0  # no viewer has this id: asks for the stamps that concern everyone
UNKNOWN = Versions(None, None, None, None)


class CacheRead(NamedTuple):
    """`stamps.viewer` is None where there is no stored list to judge by it, 0 for a viewer who is not known."""

    versions: Versions
    stored_list: StoredList | None
    redis_up: bool
    token: bytes = b""  # stands in place of the stamps that were absent

    def current_list(self) -> StoredList | None:
        return self.stored_list if self.stored_list is not None and self.stored_list.is_current(self.versions) else None


_last_seen = UNKNOWN  # as this process last saw them


def read_versions(viewer_id: int | None) -> CacheRead:
    """One round trip to Redis; no query while every stamp is there. While Postgres is gone an absent stamp is what this
    process last saw, and no list is judged by it. Raises OperationalError where it has seen none."""
    global _last_seen
    redis, mark = True, b""
    try:
        stamps, stored = cache.read_list_and_versions(viewer_id or ANONYMOUS)
        if viewer_id is None:
            stamps = stamps._replace(viewer=ANONYMOUS)
        if None not in stamps:
            _last_seen = stamps
            return CacheRead(stamps, stored, redis)
        mark = cache.reserve_missing_versions(viewer_id or ANONYMOUS, stamps)
    except CacheUnavailable:
        stamps, stored, redis = UNKNOWN, None, False
    try:
        _last_seen = truth = _load_missing(stamps, viewer_id if stored is not None else None)
    except selectors.DATABASE_ERRORS:
        if _last_seen.catalogue is None:
            raise
        newer = {name: value for name, value in stamps._asdict().items() if value is not None}
        return CacheRead(_last_seen._replace(**newer)._replace(viewer=None), None, redis)
    with suppress(CacheUnavailable):  # the next reader tries again
        if redis:
            cache.fill_reserved_versions(mark, viewer_id or ANONYMOUS, truth)
    return CacheRead(truth, stored, redis, mark)


def _load_missing(versions: Versions, viewer_id: int | None) -> Versions:
    """The truth in place of every absent stamp; of the viewer's where one is given."""
    if versions.epoch is None or versions.catalogue is None:
        catalogue, epoch = selectors.catalogue_and_epoch()
        versions = versions._replace(catalogue=catalogue, epoch=epoch)
    if versions.model is None:
        versions = versions._replace(model=registry.active_name())
    if versions.viewer is None and viewer_id is not None:
        versions = versions._replace(viewer=selectors.viewer_versions([viewer_id]).get(viewer_id, 0))
    return versions
