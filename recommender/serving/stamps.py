"""What is true now: the stamps as Redis has them, and from Postgres where it does not."""

from contextlib import suppress
from typing import NamedTuple

from catalog import selectors
from recommender import cache, registry
from recommender.cache import CacheUnavailable, Stamps, StoredList

NOBODY = 0  # no viewer has this id: asks for the stamps that concern everyone


class Look(NamedTuple):
    """`stamps.viewer` is None where there is no stored list to judge by it, 0 for a viewer who is not known."""

    stamps: Stamps
    stored: StoredList | None
    redis: bool

    def valid_list(self) -> StoredList | None:
        return self.stored if self.stored is not None and self.stored.valid(self.stamps) else None


def look(viewer_id: int | None) -> Look:
    """One round trip to Redis; no query while every stamp is there."""
    try:
        stamps, stored = cache.read(viewer_id or NOBODY)
    except CacheUnavailable:
        return Look(_restored(Stamps(None, None, None, None)), None, redis=False)
    if None in stamps[:3]:
        stamps = _put_back(stamps, _restored(stamps))
    if stamps.viewer is None and stored is not None and viewer_id:
        stamps = stamps._replace(viewer=_viewer_version(viewer_id))
    return Look(stamps, stored, redis=True)


def _restored(stamps: Stamps) -> Stamps:
    """The truth in place of every absent stamp that concerns everyone."""
    if stamps.epoch is None or stamps.catalogue is None:
        catalogue, epoch = selectors.revision()
        stamps = stamps._replace(catalogue=catalogue, epoch=epoch)
    if stamps.model is None:
        stamps = stamps._replace(model=registry.active_name())
    return stamps


def _put_back(seen: Stamps, truth: Stamps) -> Stamps:
    with suppress(CacheUnavailable):  # the next reader tries again
        if seen.epoch is None and truth.epoch is not None:
            cache.publish_epoch(truth.epoch)
        if seen.catalogue is None and truth.catalogue is not None:
            cache.publish_catalogue(truth.catalogue)
        if seen.model is None and truth.model is not None:
            cache.publish_model(truth.model, only_if_absent=True)
    return truth


def _viewer_version(viewer_id: int) -> int:
    """0 for a viewer who is not known: a first event makes it 1."""
    version = selectors.viewer_versions([viewer_id]).get(viewer_id, 0)
    with suppress(CacheUnavailable):  # the next reader tries again
        cache.publish_viewers({viewer_id: version})
    return version
