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
from recommender import cache, copies, registry
from recommender.cache import CacheUnavailable, StoredList
from recommender.describing import newcomers
from recommender.leases import CannotRun, Lease, Stopped
from recommender.ml.data import Events
from recommender.models import Erasure
from recommender.training import chunks
from recommender.viewing import Barred, barred, events_of, pinned_soon, readable, to_store

if TYPE_CHECKING:
    from recommender.ml.newcomers import Newcomers
    from recommender.ml.ranker import Ranker

BLOCK = 256  # viewers: bounds the memory of their scores over all films
PATIENCE = 120.0  # seconds without Redis before the job goes back into the queue
MOST_PASSES = 3  # when the epoch moves on while lists are written, they are invalid and are written again
WAIT_SECONDS = 0.2
DAY = 86_400  # seconds

log = logging.getLogger(__name__)


def alone(job_id: UUID, wanted: int) -> None:
    """Nobody is asked for help."""


class Reader(NamedTuple):
    """One viewer to make a list for."""

    viewer_id: int
    version: int
    events: Events
    barred: Barred
    age_limit: int | None  # years, of the snapshot that the version is of


def run(lease: Lease, call: Callable[[UUID, int], None] = alone) -> None:
    """A BATCH job: all viewers, those with an event in the last `active_days`, or the histories given in its
    parameters, under the active model. `call` asks so many other processes for `help_out`."""
    model = registry.active_name()
    given = lease.parameters.get("user_histories")
    if model is None:
        failed = sorted(map(int, given or ()))
        lease.result |= {"model": None, "viewers": 0} | ({"failed_users": failed} if given else {})
        lease.say("There is no active model yet: lists are popular films, made as they are asked for")
        return
    if given is None:
        fill_all(model, lease, call)
    else:
        fill_given(model, {int(viewer): [int(film) for film in films] for viewer, films in given.items()}, lease)


def fill_all(model: str, lease: Lease, call: Callable[[UUID, int], None] = alone) -> None:
    """Lists for every viewer with a history, in chunks that others may take as well. A job taken up again goes on with
    the chunks that are not finished."""
    started = time.monotonic()
    shelf = shelf_of(model)
    days = lease.parameters.get("active_days") or settings.BATCH_ACTIVE_DAYS
    for _ in range(MOST_PASSES):
        epoch = selectors.catalogue_and_epoch()[1]
        where = {"model": model, "epoch": epoch}
        if lease.result.get("filled") == where:
            return  # the process that did it died later
        if {key: lease.result.get(key) for key in where} != where:
            since = int(time.time()) - days * DAY if days else None
            chunks.split(lease.job_id, model, epoch, since)
            lease.result |= where
            lease.save()
        call(lease.job_id, max(0, chunks.standing(lease.job_id).unfinished - 1))
        if _pass(shelf, lease):
            break
        lease.say("The epoch moved on while lists were written: they are written again.")
    found = chunks.standing(lease.job_id)
    seconds = max(time.monotonic() - started, 1e-6)
    lease.result |= {
        "viewers": found.viewers,
        "list_seconds": round(found.seconds, 3),
        "viewers_per_min": round(60 * found.viewers / seconds),
        "filled": {"model": model, "epoch": lease.result["epoch"]},
    }
    lease.progress("lists", found.viewers, found.viewers)  # viewers without a history had none to get
    lease.say(
        f"{count_noun(found.viewers, 'list')} in {seconds:.1f} s; {found.seconds:.1f} s of work over all processes"
    )
    lease.save()
    chunks.clear(lease.job_id)


def _pass(shelf: "Shelf", lease: Lease) -> bool:
    """Whether all lists were written under one epoch."""
    total = selectors.viewer_count()
    while True:
        found = chunks.standing(lease.job_id)
        lease.progress("lists", found.viewers, total)
        chunk = chunks.take(lease.job_id)
        if chunk is not None:
            _fill_chunk(shelf, chunk)
        elif found.unfinished:
            time.sleep(WAIT_SECONDS)  # others hold the rest
        if selectors.catalogue_and_epoch()[1] != lease.result["epoch"]:
            return False
        if chunk is None and not found.unfinished:
            return True


def help_out(job_id: UUID | str) -> bool:
    """One chunk of a running batch, in another process than its own. False: there is none to take."""
    chunk = chunks.take(job_id)
    if chunk is None:
        return False
    try:
        _fill_chunk(shelf_of(chunk.model), chunk)
    except (CannotRun, *copies.NOT_TO_BE_HAD):  # the model is not on this machine: the chunk is for others
        chunk.give_back()
        raise
    return True


def _fill_chunk(shelf: "Shelf", chunk: chunks.Taken) -> None:
    """Leaves a chunk whose epoch is past as it is: its job makes chunks anew."""
    started, behind, stored = time.monotonic(), chunk.behind, 0
    try:
        while ids := selectors.viewer_ids(behind, BLOCK, chunk.upto, chunk.since):
            if shelf.look(ids) != chunk.epoch:
                return chunk.give_back()
            readers = [
                Reader(h.viewer_id, h.version, events_of(h), barred(h), h.age_limit) for h in selectors.histories(ids)
            ]
            stored += shelf.fill(readers, chunk.epoch, chunk.keep)
            behind = ids[-1]
            chunk.keep()
    except Stopped as lost:
        return log.info("%s", lost)
    chunk.finish(stored, time.monotonic() - started)


def fill_given(model: str, histories: Mapping[int, Sequence[int]], lease: Lease) -> None:
    """Lists made from the films that were sent, served to these viewers until they watch something."""
    shelf, viewers = shelf_of(model), sorted(histories)
    stored = 0
    failed: list[int] = []
    for start in range(0, len(viewers), BLOCK):
        block = viewers[start : start + BLOCK]
        epoch = shelf.look(block)
        erased = set(Erasure.objects.filter(viewer_id__in=block).values_list("viewer_id", flat=True))
        own = {history.viewer_id: history for history in selectors.histories(block)}
        readers = []
        for viewer in sorted(set(block) - erased):
            events = Events.from_ids(histories[viewer])
            if not readable(events, shelf.ranker):
                failed.append(viewer)
                continue
            history = own.get(viewer)
            version, limit = 0, None  # of a viewer who is not known; a first event makes it 1
            if history is not None:
                version, limit = history.version, history.age_limit
            never = shelf.of_catalogue(barred(history, events.movie_ids))
            readers.append(Reader(viewer, version, events, never, limit))
        stored += shelf.fill(readers, epoch, lease.check)
        lease.progress("lists", stored, len(viewers))
    lease.result |= {"model": model, "viewers": stored, "failed_users": failed}


class Shelf:
    """Fills the list shelf under one model."""

    def __init__(self, model: str) -> None:
        copies.fetch(model)
        ranker = registry.ranker(model)
        if ranker is None or ranker.version != model:
            raise CannotRun(f"Model {model} cannot be loaded on this machine; the log says why.")
        self.ranker: Ranker = ranker
        self.mark = b""
        self._read_films()

    def look(self, viewer_ids: Iterable[int]) -> int:
        """The epoch now, to be read before the histories of these viewers; brings the films up to date on the way."""
        with suppress(CacheUnavailable):  # only their first reads cost a query
            self.mark = cache.mark_viewers(viewer_ids, self.mark)
        catalogue, epoch = selectors.catalogue_and_epoch()
        if catalogue != self.table.version:
            self._read_films()
        return epoch

    def _read_films(self) -> None:
        self.table = selectors.catalogue_table()
        self.newcomers = newcomers(self.table, self.ranker)
        self.allowed: dict[int | None, tuple[np.ndarray, Newcomers]] = {}  # by age limit, as `storable` gives it

    def of_catalogue(self, never: Barred) -> Barred:
        return never.where(self.table.rows_of(never.movie_ids) >= 0)

    def storable(self, age_limit: int | None) -> tuple[np.ndarray, "Newcomers"]:
        """bool over the model's films, and newcomers: published, for this age, and available now or within the life of
        a list, since every list is checked against the windows again as it is read."""
        if age_limit not in self.allowed:
            table, now = self.table, int(time.time())
            opens = table.available_from <= now + settings.LIST_TTL
            films = table.published & opens & (now < table.available_until)
            if age_limit is not None:
                films &= table.age <= age_limit
            known = np.append(films, False)[table.rows_of(self.ranker.movie_ids)]  # -1 is that False
            self.allowed[age_limit] = known, self.newcomers.where(films[table.rows_of(self.newcomers.movie_ids)])
        return self.allowed[age_limit]

    def fill(self, readers: Sequence[Reader], epoch: int, check: Callable[[], None]) -> int:
        """Stores a list for each reader whom the model can read. Returns how many. `check` is called while Redis is
        waited for."""
        readers = [reader for reader in readers if readable(reader.events, self.ranker)]
        if not readers:
            return 0
        # Nobody knows yet when these lists will be read: they are made without a time of asking.
        states = self.ranker.encode([reader.events for reader in readers])
        lists: dict[int, StoredList] = {}
        for limit in {reader.age_limit for reader in readers}:
            rows = [row for row, reader in enumerate(readers) if reader.age_limit == limit]
            lists |= self._made([readers[row] for row in rows], states[rows], epoch, limit)
        _store(lists, self.mark, check)
        return len(lists)

    def _made(
        self, readers: Sequence[Reader], states: np.ndarray, epoch: int, age_limit: int | None
    ) -> dict[int, StoredList]:
        """By viewer id, for viewers with one age limit: a mask serves all of them."""
        never = [reader.barred.movie_ids for reader in readers]
        pinned = pinned_soon(self.table, int(time.time()))
        shown, new = self.storable(age_limit)
        best = to_store(self.ranker, states, settings.LIST_LENGTH, shown, never, pinned, new)
        now, model = int(time.time()), self.ranker.version
        return {
            one.viewer_id: StoredList(model, epoch, one.version, ids, scores, now, age_limit, one.barred.ruled_out())
            for one, (ids, scores) in zip(readers, best, strict=True)
        }


def shelf_of(model: str) -> Shelf:
    """The one that this process used last, if it is of this model: it has read the films."""
    shelf = _shelf(model)
    shelf.allowed.clear()  # what may be shown is judged by the clock
    return shelf


_shelf = lru_cache(maxsize=1)(Shelf)


def _store(lists: Mapping[int, StoredList], mark: bytes, check: Callable[[], None]) -> None:
    """Waits out a short absence of Redis. The versions go out too, so that the first read needs no database."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            cache.store_lists(lists)
            cache.put_back_viewers(mark, {viewer_id: stored.viewer_version for viewer_id, stored in lists.items()})
            return
        except CacheUnavailable:
            if time.monotonic() > deadline:
                raise
            check()
            time.sleep(1)
