"""Stored lists under one model, for many viewers at a time."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import compress
from typing import NamedTuple

from catalog import selectors
from recommender import cache, process_state, registry
from recommender.cache import CacheUnavailable, StoredList
from recommender.history import have_known_movies
from recommender.jobs.leases import JobCannotRun
from recommender.list_builder import ListViewer, build_lists
from recommender.ml.data import Events
from recommender.movies.popularity_counts import at_current_counts
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.registry import artifacts

REDIS_TIMEOUT = 120.0  # seconds without Redis before the job goes back into the queue


class ViewerInput(NamedTuple):
    """One viewer to make a list for."""

    viewer_id: int
    events: Events  # what the model reads
    row: ListViewer  # what else the list depends on


class ListWriter:
    """Writes lists to the cache under one model, from the catalogue as it is when they are made."""

    def __init__(self, model: str) -> None:
        """Raises JobCannotRun where this machine cannot load the model."""
        artifacts.fetch(model)
        ranker = registry.ranker(model)
        if ranker is None or ranker.version != model:
            raise JobCannotRun(f"Model {model} cannot be loaded on this machine; the log says why.")
        self.ranker = ranker
        self.snapshot = CatalogueSnapshot(selectors.catalogue_table())
        self._token = b""

    def refresh_versions(self, viewer_ids: Iterable[int]) -> int:
        """Return the epoch, to be read before the histories of these viewers; re-read the catalogue if it changed."""
        with suppress(CacheUnavailable):  # then the first read of each list costs a query
            self._token = cache.reserve_viewer_versions(viewer_ids, self._token)
        catalogue, epoch = selectors.catalogue_and_epoch()
        if catalogue != self.snapshot.version:
            self.snapshot = CatalogueSnapshot(selectors.catalogue_table())
        return epoch

    def write_lists(self, viewers: Sequence[ViewerInput], epoch: int, check: Callable[[], None]) -> int:
        """Store a list for each viewer whose history the model can read. Returns how many.

        `check` is called while Redis is waited for; it raises to give up.
        """
        known = have_known_movies([viewer.events for viewer in viewers], self.ranker)
        viewers = list(compress(viewers, known))
        if not viewers:
            return 0
        # Nobody knows yet when these lists will be read: they are made without a request time.
        embeddings = self.ranker.encode([viewer.events for viewer in viewers])
        rows = [viewer.row for viewer in viewers]
        ranker = at_current_counts(self.ranker)
        lists = build_lists(self.snapshot, ranker, embeddings, rows, epoch, int(time.time()))
        self._store({viewer.viewer_id: made for viewer, made in zip(viewers, lists, strict=True)}, check)
        return len(lists)

    def _store(self, lists: Mapping[int, StoredList], check: Callable[[], None]) -> None:
        """Store lists and versions, so that the first read needs no query. Waits out a short absence of Redis."""
        deadline = time.monotonic() + REDIS_TIMEOUT
        versions = {viewer_id: stored.viewer_version for viewer_id, stored in lists.items()}
        while True:
            try:
                cache.store_lists(lists)
                return cache.fill_reserved_viewer_versions(self._token, versions)
            except CacheUnavailable:
                if time.monotonic() > deadline:
                    raise
                check()
                time.sleep(1)


@lru_cache(maxsize=1)
def writer_for(model: str) -> ListWriter:
    """Return the writer that this process used last, if it is of this model: it has read the catalogue. Else a new one.

    Raises JobCannotRun where this machine cannot load the model.
    """
    return ListWriter(model)


process_state.register("batch: the list writer used last", writer_for.cache_clear)
