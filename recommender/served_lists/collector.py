"""What the call that a thread works on has listed so far: recorded when its answer goes out, and only then.

A page of the admin that tries a list out, and a client that was told that its copy is still right, get nothing new.
"""

from collections.abc import Iterable
from contextvars import ContextVar

from recommender.models import ServedList
from recommender.record_log import SERVED_LISTS, add_records
from recommender.served_lists.entry import ServedEntry, is_recorded

_surface: ContextVar[ServedList.Surface | None] = ContextVar("the surface whose lists are collected", default=None)
_collected: ContextVar[list[ServedEntry]] = ContextVar("lists of this call")


def begin(surface: ServedList.Surface | None) -> None:
    """Collect the lists of the call that this thread begins, as lists of that surface; None: do not."""
    _surface.set(surface)
    _collected.set([])


def is_collecting() -> bool:
    """Say whether this thread's lists are collected."""
    return _surface.get() is not None


def note(entry: ServedEntry) -> None:
    """Add a list to those of the call. Its surface is the call's, unless the list is a group's."""
    surface = _surface.get()
    if surface is not None:
        _collected.get().append(entry if entry.surface else entry._replace(surface=int(surface)))


def take() -> list[ServedEntry]:
    """Return the lists of the call, and collect no more."""
    entries = _collected.get([])
    begin(None)
    return entries


def submit(packed: Iterable[bytes]) -> None:
    """Hand served lists, packed, over to the log: those that are recorded, by their ids."""
    add_records(SERVED_LISTS, [entry for entry in packed if is_recorded(entry)])
