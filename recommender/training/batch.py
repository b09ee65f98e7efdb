"""Lists for everyone, ahead of time: blocks of viewers through one model into the list shelf.

A list carries the epoch as read before the histories, and the viewer's version of the very snapshot that the history
came from. Whatever changes in the meantime makes that list invalid, never wrong.
"""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.conf import settings

from catalog import selectors
from recommender import cache, registry
from recommender.cache import CacheUnavailable, StoredList
from recommender.leases import CannotRun, Lease
from recommender.ml.data import Events
from recommender.viewing import events_of, never_again, readable

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
    barred: np.ndarray  # film ids that are not listed


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
        epoch = shelf.look()
        if epoch != lease.result["epoch"]:
            return False
        readers = [Reader(h.viewer_id, h.version, events_of(h), never_again(h)) for h in selectors.histories(ids)]
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
        epoch = shelf.look()
        own = {history.viewer_id: history for history in selectors.histories(block)}
        readers = []
        for viewer in block:
            events = Events.from_ids(histories[viewer])
            if not readable(events, shelf.ranker):
                failed.append(viewer)
                continue
            version, seen = 0, events.movie_ids  # of a viewer who is not known; a first event makes it 1
            if viewer in own:
                version, seen = own[viewer].version, np.append(never_again(own[viewer]), seen)
            readers.append(Reader(viewer, version, events, seen))
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
        self.catalogue = -1
        self.allowed = np.empty(0, bool)

    def look(self) -> int:
        """The epoch now, to be read before the histories; brings the mask of films up to date on the way."""
        catalogue, epoch = selectors.revision()
        if catalogue != self.catalogue:
            self.catalogue, self.allowed = catalogue, storable(self.ranker)
        return epoch

    def fill(self, readers: Sequence[Reader], epoch: int, lease: Lease) -> int:
        """Stores a list for each reader whom the model can read. Returns how many."""
        readers = [reader for reader in readers if readable(reader.events, self.ranker)]
        if not readers:
            return 0
        # Nobody knows yet when these lists will be read: they are made without a time of asking.
        states = self.ranker.encode([reader.events for reader in readers])
        best = self.ranker.top(states, settings.LIST_LENGTH, self.allowed, [reader.barred for reader in readers])
        now = int(time.time())
        lists = {
            reader.viewer_id: StoredList(self.ranker.version, epoch, reader.version, ids, scores, now)
            for reader, (ids, scores) in zip(readers, best, strict=True)
        }
        _store(lists, lease)
        return len(lists)


def storable(ranker: "Ranker") -> np.ndarray:
    """bool over the model's films: published, and available now or within the life of a list, since every list is
    checked against the windows again as it is read."""
    table, now = selectors.catalogue_table(), int(time.time())
    opens = table.available_from <= now + settings.LIST_TTL
    allowed = table.published & opens & (now < table.available_until)
    return np.append(allowed, False)[table.places(ranker.movie_ids)]  # place -1 is the False at the end


def _store(lists: Mapping[int, StoredList], lease: Lease) -> None:
    """Waits out a short absence of Redis. The versions go out too, so that the first read needs no database."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            cache.store_lists(lists)
            cache.publish_viewers({viewer_id: stored.viewer_version for viewer_id, stored in lists.items()})
            return
        except CacheUnavailable:
            if time.monotonic() > deadline:
                raise
            lease.check()
            time.sleep(1)
