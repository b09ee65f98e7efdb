"""Lists for everyone, ahead of time: blocks of viewers through one model into the list shelf.

A list carries the epoch as read before the histories, and the viewer's version of the very snapshot that the history
came from. Whatever changes in the meantime makes that list invalid, never wrong.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import numpy as np
from django.conf import settings

from catalog import selectors
from catalog.plurals import count_noun
from recommender import cache, registry
from recommender.cache import CacheUnavailable, StoredList
from recommender.history import (
    Exclusions,
    exclusions_from,
    has_known_movies,
    pinned_within_ttl,
    rank_for_storage,
    to_model_events,
)
from recommender.jobs import batch_chunks
from recommender.jobs.leases import JobCannotRun, Lease, LeaseLost
from recommender.ml.data import Events
from recommender.models import Erasure
from recommender.movies.features import cold_items
from recommender.registry import artifacts

if TYPE_CHECKING:
    from recommender.ml.cold_items import ColdItems
    from recommender.ml.ranker import Ranker

BLOCK_SIZE = 256  # viewers: bounds the memory of their scores over all films
REDIS_TIMEOUT = 120.0  # seconds without Redis before the job goes back into the queue
MAX_PASSES = 3  # when the epoch moves on while lists are written, they are invalid and are written again
POLL_INTERVAL = 0.2
DAY = 86_400  # seconds

log = logging.getLogger(__name__)


def no_helpers(job_id: UUID, count: int) -> None:
    """Nobody is asked for help."""


class ViewerInput(NamedTuple):
    """One viewer to make a list for."""

    viewer_id: int
    version: int
    events: Events
    exclusions: Exclusions
    age_limit: int | None  # years, of the snapshot that the version is of


def run(lease: Lease, request_helpers: Callable[[UUID, int], None] = no_helpers) -> None:
    """A BATCH job: all viewers, those with an event in the last `active_days`, or the histories given in its
    parameters, under the active model. `call` asks so many other processes for `help_out`."""
    model = registry.active_name()
    given = lease.parameters.get("user_histories")
    if model is None:
        failed = sorted(map(int, given or ()))
        lease.result |= {"model": None, "viewers": 0} | ({"failed_users": failed} if given else {})
        lease.log("There is no active model yet: lists are popular films, made as they are asked for")
        return
    if given is None:
        fill_all(model, lease, request_helpers)
    else:
        fill_from_histories(
            model, {int(viewer): [int(film) for film in films] for viewer, films in given.items()}, lease
        )


def fill_all(model: str, lease: Lease, request_helpers: Callable[[UUID, int], None] = no_helpers) -> None:
    """Lists for every viewer with a history, in chunks that others may take as well. A job taken up again goes on with
    the chunks that are not finished."""
    started = time.monotonic()
    shelf = list_writer(model)
    days = lease.parameters.get("active_days") or settings.BATCH_ACTIVE_DAYS
    for _ in range(MAX_PASSES):
        epoch = selectors.catalogue_and_epoch()[1]
        where = {"model": model, "epoch": epoch}
        if lease.result.get("filled") == where:
            return  # the process that did it died later
        if {key: lease.result.get(key) for key in where} != where:
            since = int(time.time()) - days * DAY if days else None
            batch_chunks.create(lease.job_id, model, epoch, since)
            lease.result |= where
            lease.save()
        request_helpers(lease.job_id, max(0, batch_chunks.progress(lease.job_id).unfinished - 1))
        if _fill_once(shelf, lease):
            break
        lease.log("The epoch moved on while lists were written: they are written again.")
    found = batch_chunks.progress(lease.job_id)
    seconds = max(time.monotonic() - started, 1e-6)
    lease.result |= {
        "viewers": found.viewers,
        "list_seconds": round(found.seconds, 3),
        "viewers_per_min": round(60 * found.viewers / seconds),
        "filled": {"model": model, "epoch": lease.result["epoch"]},
    }
    lease.report_progress("lists", found.viewers, found.viewers)  # viewers without a history had none to get
    lease.log(
        f"{count_noun(found.viewers, 'list')} in {seconds:.1f} s; {found.seconds:.1f} s of work over all processes"
    )
    lease.save()
    batch_chunks.delete_all(lease.job_id)


def _fill_once(shelf: "ListWriter", lease: Lease) -> bool:
    """Whether all lists were written under one epoch."""
    total = selectors.viewer_count()
    while True:
        found = batch_chunks.progress(lease.job_id)
        lease.report_progress("lists", found.viewers, total)
        chunk = batch_chunks.claim(lease.job_id)
        if chunk is not None:
            _fill_chunk(shelf, chunk)
        elif found.unfinished:
            time.sleep(POLL_INTERVAL)  # others hold the rest
        if selectors.catalogue_and_epoch()[1] != lease.result["epoch"]:
            return False
        if chunk is None and not found.unfinished:
            return True


def process_one_chunk(job_id: UUID | str) -> bool:
    """One chunk of a running batch, in another process than its own. False: there is none to take."""
    chunk = batch_chunks.claim(job_id)
    if chunk is None:
        return False
    try:
        _fill_chunk(list_writer(chunk.model), chunk)
    except (JobCannotRun, *artifacts.FETCH_ERRORS):  # the model is not on this machine: the chunk is for others
        chunk.release()
        raise
    return True


def _fill_chunk(shelf: "ListWriter", chunk: batch_chunks.ClaimedChunk) -> None:
    """Leaves a chunk whose epoch is past as it is: its job makes chunks anew."""
    started, behind, stored = time.monotonic(), chunk.after_viewer_id, 0
    try:
        while ids := selectors.viewer_ids(behind, BLOCK_SIZE, chunk.through_viewer_id, chunk.since):
            if shelf.refresh_versions(ids) != chunk.epoch:
                return chunk.release()
            readers = [
                ViewerInput(h.viewer_id, h.version, to_model_events(h), exclusions_from(h), h.age_limit)
                for h in selectors.histories(ids)
            ]
            stored += shelf.write_lists(readers, chunk.epoch, chunk.renew)
            behind = ids[-1]
            chunk.renew()
    except LeaseLost as lost:
        return log.info("%s", lost)
    chunk.finish(stored, time.monotonic() - started)


def fill_from_histories(model: str, histories: Mapping[int, Sequence[int]], lease: Lease) -> None:
    """Lists made from the films that were sent, served to these viewers until they watch something."""
    shelf, viewers = list_writer(model), sorted(histories)
    stored = 0
    failed: list[int] = []
    for start in range(0, len(viewers), BLOCK_SIZE):
        block = viewers[start : start + BLOCK_SIZE]
        epoch = shelf.refresh_versions(block)
        erased = set(Erasure.objects.filter(viewer_id__in=block).values_list("viewer_id", flat=True))
        own = {history.viewer_id: history for history in selectors.histories(block)}
        readers = []
        for viewer in sorted(set(block) - erased):
            events = Events.from_ids(histories[viewer])
            if not has_known_movies(events, shelf.ranker):
                failed.append(viewer)
                continue
            history = own.get(viewer)
            version, limit = 0, None  # of a viewer who is not known; a first event makes it 1
            if history is not None:
                version, limit = history.version, history.age_limit
            never = shelf.known_to_catalogue(exclusions_from(history, events.movie_ids))
            readers.append(ViewerInput(viewer, version, events, never, limit))
        stored += shelf.write_lists(readers, epoch, lease.raise_if_lost)
        lease.report_progress("lists", stored, len(viewers))
    lease.result |= {"model": model, "viewers": stored, "failed_users": failed}


class ListWriter:
    """Fills the list shelf under one model."""

    def __init__(self, model: str) -> None:
        artifacts.fetch(model)
        ranker = registry.ranker(model)
        if ranker is None or ranker.version != model:
            raise JobCannotRun(f"Model {model} cannot be loaded on this machine; the log says why.")
        self.ranker: Ranker = ranker
        self.token = b""
        self._load_movies()

    def refresh_versions(self, viewer_ids: Iterable[int]) -> int:
        """The epoch now, to be read before the histories of these viewers; brings the films up to date on the way."""
        with suppress(CacheUnavailable):  # only their first reads cost a query
            self.token = cache.reserve_viewer_versions(viewer_ids, self.token)
        catalogue, epoch = selectors.catalogue_and_epoch()
        if catalogue != self.table.version:
            self._load_movies()
        return epoch

    def _load_movies(self) -> None:
        self.table = selectors.catalogue_table()
        self.cold_items = cold_items(self.table, self.ranker)
        self.masks: dict[int | None, tuple[np.ndarray, ColdItems]] = {}  # by age limit, as `storable` gives it

    def known_to_catalogue(self, never: Exclusions) -> Exclusions:
        return never.select(self.table.rows_of(never.movie_ids) >= 0)

    def storable_mask(self, age_limit: int | None) -> tuple[np.ndarray, "ColdItems"]:
        """bool over the model's films, and newcomers: published, for this age, and available now or within the life of
        a list, since every list is checked against the windows again as it is read."""
        if age_limit not in self.masks:
            table, now = self.table, int(time.time())
            opens = table.available_from <= now + settings.LIST_TTL
            films = table.published & opens & (now < table.available_until)
            if age_limit is not None:
                films &= table.age <= age_limit
            known = np.append(films, False)[table.rows_of(self.ranker.movie_ids)]  # -1 is that False
            self.masks[age_limit] = known, self.cold_items.select(films[table.rows_of(self.cold_items.movie_ids)])
        return self.masks[age_limit]

    def write_lists(self, readers: Sequence[ViewerInput], epoch: int, check: Callable[[], None]) -> int:
        """Stores a list for each reader whom the model can read. Returns how many. `check` is called while Redis is
        waited for."""
        readers = [reader for reader in readers if has_known_movies(reader.events, self.ranker)]
        if not readers:
            return 0
        # Nobody knows yet when these lists will be read: they are made without a time of asking.
        states = self.ranker.encode([reader.events for reader in readers])
        lists: dict[int, StoredList] = {}
        for limit in {reader.age_limit for reader in readers}:
            rows = [row for row, reader in enumerate(readers) if reader.age_limit == limit]
            lists |= self._build_lists([readers[row] for row in rows], states[rows], epoch, limit)
        _store(lists, self.token, check)
        return len(lists)

    def _build_lists(
        self, readers: Sequence[ViewerInput], states: np.ndarray, epoch: int, age_limit: int | None
    ) -> dict[int, StoredList]:
        """By viewer id, for viewers with one age limit: a mask serves all of them."""
        never = [reader.exclusions.movie_ids for reader in readers]
        pinned = pinned_within_ttl(self.table, int(time.time()))
        shown, new = self.storable_mask(age_limit)
        best = rank_for_storage(self.ranker, states, settings.LIST_LENGTH, shown, never, pinned, new)
        now, model = int(time.time()), self.ranker.version
        return {
            one.viewer_id: StoredList(model, epoch, one.version, ids, scores, now, age_limit, one.exclusions.counts())
            for one, (ids, scores) in zip(readers, best, strict=True)
        }


def list_writer(model: str) -> ListWriter:
    """The one that this process used last, if it is of this model: it has read the films."""
    shelf = _cached_writer(model)
    shelf.masks.clear()  # what may be shown is judged by the clock
    return shelf


_cached_writer = lru_cache(maxsize=1)(ListWriter)


def _store(lists: Mapping[int, StoredList], mark: bytes, check: Callable[[], None]) -> None:
    """Waits out a short absence of Redis. The versions go out too, so that the first read needs no database."""
    deadline = time.monotonic() + REDIS_TIMEOUT
    while True:
        try:
            cache.store_lists(lists)
            cache.fill_reserved_viewer_versions(
                mark, {viewer_id: stored.viewer_version for viewer_id, stored in lists.items()}
            )
            return
        except CacheUnavailable:
            if time.monotonic() > deadline:
                raise
            check()
            time.sleep(1)
