"""What is true now: the stamps as Redis has them, and from Postgres where it does not."""

from contextlib import suppress
from typing import NamedTuple

from catalog import selectors
from recommender import cache, registry
from recommender.cache import CacheUnavailable, StoredList, Versions

NOBODY = 0  # no viewer has this id: asks for the stamps that concern everyone
UNKNOWN = Versions(None, None, None, None)


class Look(NamedTuple):
    """`stamps.viewer` is None where there is no stored list to judge by it, 0 for a viewer who is not known."""

    stamps: Versions
    stored: StoredList | None
    redis: bool
    mark: bytes = b""  # stands in place of the stamps that were absent

    def valid_list(self) -> StoredList | None:
        return self.stored if self.stored is not None and self.stored.is_current(self.stamps) else None


_last = UNKNOWN  # as this process last saw them


def look(viewer_id: int | None) -> Look:
    """One round trip to Redis; no query while every stamp is there. While Postgres is gone an absent stamp is what this
    process last saw, and no list is judged by it. Raises OperationalError where it has seen none."""
    global _last
    redis, mark = True, b""
    try:
        stamps, stored = cache.read_list_and_versions(viewer_id or NOBODY)
        if viewer_id is None:
            stamps = stamps._replace(viewer=NOBODY)
        if None not in stamps:
            _last = stamps
            return Look(stamps, stored, redis)
        mark = cache.reserve_missing_versions(viewer_id or NOBODY, stamps)
    except CacheUnavailable:
        stamps, stored, redis = UNKNOWN, None, False
    try:
        _last = truth = _restored(stamps, viewer_id if stored is not None else None)
    except selectors.DATABASE_ERRORS:
        if _last.catalogue is None:
            raise
        newer = {name: value for name, value in stamps._asdict().items() if value is not None}
        return Look(_last._replace(**newer)._replace(viewer=None), None, redis)
    with suppress(CacheUnavailable):  # the next reader tries again
        if redis:
            cache.fill_reserved_versions(mark, viewer_id or NOBODY, truth)
    return Look(truth, stored, redis, mark)


def _restored(stamps: Versions, viewer_id: int | None) -> Versions:
    """The truth in place of every absent stamp; of the viewer's where one is given."""
    if stamps.epoch is None or stamps.catalogue is None:
        catalogue, epoch = selectors.catalogue_and_epoch()
        stamps = stamps._replace(catalogue=catalogue, epoch=epoch)
    if stamps.model is None:
        stamps = stamps._replace(model=registry.active_name())
    if stamps.viewer is None and viewer_id is not None:
        stamps = stamps._replace(viewer=selectors.viewer_versions([viewer_id]).get(viewer_id, 0))
    return stamps
