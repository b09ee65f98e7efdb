"""What is true now: the stamps as Redis has them, and from Postgres where it does not."""

from contextlib import suppress
from typing import NamedTuple

from catalog import selectors
from recommender import cache, registry
from recommender.cache import CacheUnavailable, Stamps, StoredList

NOBODY = 0  # no viewer has this id: asks for the stamps that concern everyone
UNKNOWN = Stamps(None, None, None, None)


class Look(NamedTuple):
    """`stamps.viewer` is None where there is no stored list to judge by it, 0 for a viewer who is not known."""

    stamps: Stamps
    stored: StoredList | None
    redis: bool
    mark: bytes = b""  # stands in place of the stamps that were absent

    def valid_list(self) -> StoredList | None:
        return self.stored if self.stored is not None and self.stored.valid(self.stamps) else None


def look(viewer_id: int | None) -> Look:
    """One round trip to Redis; no query while every stamp is there."""
    try:
        stamps, stored = cache.read(viewer_id or NOBODY)
        if viewer_id is None:
            stamps = stamps._replace(viewer=NOBODY)
        if None not in stamps:
            return Look(stamps, stored, redis=True)
        mark = cache.mark_absent(viewer_id or NOBODY, stamps)
    except CacheUnavailable:
        return Look(_restored(UNKNOWN), None, redis=False)
    truth = _restored(stamps)
    if truth.viewer is None and stored is not None and viewer_id is not None:
        truth = truth._replace(viewer=selectors.viewer_versions([viewer_id]).get(viewer_id, 0))
    with suppress(CacheUnavailable):  # the next reader tries again
        cache.put_back(mark, viewer_id or NOBODY, truth)
    return Look(truth, stored, redis=True, mark=mark)


def _restored(stamps: Stamps) -> Stamps:
    """The truth in place of every absent stamp that concerns everyone."""
    if stamps.epoch is None or stamps.catalogue is None:
        catalogue, epoch = selectors.revision()
        stamps = stamps._replace(catalogue=catalogue, epoch=epoch)
    if stamps.model is None:
        stamps = stamps._replace(model=registry.active_name())
    return stamps
