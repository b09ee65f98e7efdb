"""Lists for everyone, ahead of time: blocks of viewers through one model into the list shelf.

A list carries the epoch as read before the histories, and the viewer's version of the very snapshot that the history
came from. Whatever changes in the meantime makes that list invalid, never wrong.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.conf import settings

from catalog import selectors
from recommender import cache, registry
from recommender.cache import CacheUnavailable, StoredList
from recommender.leases import CannotRun, Lease
from recommender.ml.data import Events
from recommender.viewing import Barred, barred, events_of, pinned_soon, readable, to_store

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

BLOCK = 256  # viewers: bounds the memory of their scores over all films
PATIENCE = 120.0  # seconds without Redis before the job goes back into the queue
MOST_PASSES = 3  # when the epoch moves on while lists are written, they are invalid and are written again


class Reader(NamedTuple):
    """One viewer to make a list for."""

    viewer_id: int
    version: int
    events: Events
    barred: Barred
    age_limit: int | None  # years, of the snapshot that the version is of


def run(lease: Lease) -> None:
    """A BATCH job: all viewers, or the histories given in its parameters, under the active model."""
    model = registry.active_name()
    if model is None:
        raise CannotRun("There is no active model: train one with `manage.py train`.")
    given = lease.parameters.get("user_histories")
    if given is None:
        fill_all(model, lease)
    else:
        fill_given(model, {int(viewer): [int(film) for film in films] for viewer, films in given.items()}, lease)


def fill_all(model: str, lease: Lease) -> None:
    """Lists for every viewer with a history. A job taken up again goes on behind its last block."""
    shelf = Shelf(model)
    for _ in range(MOST_PASSES):
        where = {"model": model, "epoch": selectors.revision()[1]}
        if {key: lease.result.get(key) for key in where} != where:
            lease.result |= where | {"behind": 0, "viewers": 0, "list_seconds": 0.0}
        if _pass(shelf, lease):
            break
        lease.say("The epoch moved on while lists were written: they are written again.")
    viewers, seconds = lease.result["viewers"], max(lease.result["list_seconds"], 1e-6)
    lease.result["viewers_per_min"] = round(60 * viewers / seconds)
    lease.say(f"{viewers} lists in {seconds:.1f} s, {lease.result['viewers_per_min']} viewers a minute")


def _pass(shelf: "Shelf", lease: Lease) -> bool:
    """Whether all lists were written under one epoch."""
    total = selectors.viewer_count()
    lease.progress("lists", lease.result["viewers"], total)
    while ids := selectors.viewer_ids(lease.result["behind"], BLOCK):
        started = time.monotonic()
        epoch = shelf.look(ids)
        if epoch != lease.result["epoch"]:
            return False
        readers = [
            Reader(h.viewer_id, h.version, events_of(h), barred(h), h.age_limit) for h in selectors.histories(ids)
        ]
        stored = shelf.fill(readers, epoch, lease)
        lease.result |= {
            "behind": ids[-1],
            "viewers": lease.result["viewers"] + stored,
            "list_seconds": round(lease.result["list_seconds"] + time.monotonic() - started, 3),
        }
        lease.progress("lists", lease.result["viewers"], total)
    return selectors.revision()[1] == lease.result["epoch"]


def fill_given(model: str, histories: Mapping[int, Sequence[int]], lease: Lease) -> None:
    """Lists made from the films that were sent, served to these viewers until they watch something."""
    shelf, viewers = Shelf(model), sorted(histories)
    stored = 0
    failed: list[int] = []
    for start in range(0, len(viewers), BLOCK):
        block = viewers[start : start + BLOCK]
        epoch = shelf.look(block)
        own = {history.viewer_id: history for history in selectors.histories(block)}
        readers = []
        for viewer in block:
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
        stored += shelf.fill(readers, epoch, lease)
        lease.progress("lists", stored, len(viewers))
    lease.result |= {"model": model, "viewers": stored, "failed_users": failed}


class Shelf:
    """Fills the list shelf under one model."""

    def __init__(self, model: str) -> None:
        ranker = registry.ranker(model)
        if ranker is None or ranker.version != model:
            raise CannotRun(f"Model {model} cannot be loaded on this machine; the log says why.")
        self.ranker: Ranker = ranker
        self.table = selectors.catalogue_table()
        self.mark = b""
        self.allowed: dict[int | None, np.ndarray] = {}  # age limit -> bool over the model's films

    def look(self, viewer_ids: Iterable[int]) -> int:
        """The epoch now, to be read before the histories of these viewers; brings the films up to date on the way."""
        with suppress(CacheUnavailable):  # only their first reads cost a query
            self.mark = cache.mark_viewers(viewer_ids, self.mark)
        catalogue, epoch = selectors.revision()
        if catalogue != self.table.version:
            self.table, self.allowed = selectors.catalogue_table(), {}
        return epoch

    def of_catalogue(self, never: Barred) -> Barred:
        return never.where(self.table.places(never.movie_ids) >= 0)

    def storable(self, age_limit: int | None) -> np.ndarray:
        """bool over the model's films: published, for this age, and available now or within the life of a list, since
        every list is checked against the windows again as it is read."""
        if age_limit not in self.allowed:
            table, now = self.table, int(time.time())
            opens = table.available_from <= now + settings.LIST_TTL
            films = table.published & opens & (now < table.available_until)
            if age_limit is not None:
                films &= table.age <= age_limit
            self.allowed[age_limit] = np.append(films, False)[table.places(self.ranker.movie_ids)]  # -1 is that False
        return self.allowed[age_limit]

    def fill(self, readers: Sequence[Reader], epoch: int, lease: Lease) -> int:
        """Stores a list for each reader whom the model can read. Returns how many."""
        readers = [reader for reader in readers if readable(reader.events, self.ranker)]
        if not readers:
            return 0
        # Nobody knows yet when these lists will be read: they are made without a time of asking.
        states = self.ranker.encode([reader.events for reader in readers])
        lists: dict[int, StoredList] = {}
        for limit in {reader.age_limit for reader in readers}:
            rows = [row for row, reader in enumerate(readers) if reader.age_limit == limit]
            lists |= self._made([readers[row] for row in rows], states[rows], epoch, limit)
        _store(lists, self.mark, lease)
        return len(lists)

    def _made(
        self, readers: Sequence[Reader], states: np.ndarray, epoch: int, age_limit: int | None
    ) -> dict[int, StoredList]:
        """By viewer id, for viewers with one age limit: a mask serves all of them."""
        never = [reader.barred.movie_ids for reader in readers]
        pinned = pinned_soon(self.table, int(time.time()))
        best = to_store(self.ranker, states, settings.LIST_LENGTH, self.storable(age_limit), never, pinned)
        now, model = int(time.time()), self.ranker.version
        return {
            one.viewer_id: StoredList(model, epoch, one.version, ids, scores, now, age_limit, one.barred.ruled_out())
            for one, (ids, scores) in zip(readers, best, strict=True)
        }


def _store(lists: Mapping[int, StoredList], mark: bytes, lease: Lease) -> None:
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
            lease.check()
            time.sleep(1)
