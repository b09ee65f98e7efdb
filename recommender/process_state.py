"""Names every piece of state that this process keeps from one request to the next, and clears it.

A module that keeps something registers it by a name that says what it is. A container registers its own `clear`; a
single value that is replaced again and again is a `Value`, which registers itself:

    _rankers: OrderedDict[str, Ranker] = OrderedDict()
    process_state.register("registry: rankers in memory", _rankers.clear)

    _last_flush = process_state.Value("metrics: when counters were flushed last", 0.0)
    _last_flush.current = time.monotonic()

Constants filled at import, loggers, locks and compiled expressions are no state. `catalog` and `infrastructure` may not
import this module; they offer a public function that clears theirs, and `recommender.apps` registers it when the app is
ready. Clearing is for tests, whose databases and caches come and go under one process. A running server never needs it.
What holds something of single viewers says besides how it forgets those who were erased (`forget_viewers`).
"""

from collections.abc import Callable, Collection
from typing import Generic, TypeVar

_pieces: dict[str, Callable[[], object]] = {}
_forgetters: list[Callable[[Collection[int]], object]] = []

T = TypeVar("T")


def register(
    name: str, clear: Callable[[], object], forget_viewers: Callable[[Collection[int]], object] | None = None
) -> None:
    """Add a piece of state; `clear` puts it back to what it is in a process that has just started. `forget_viewers`
    takes out of it what it holds of viewers, who are given by their ids.

    Raises ValueError where another piece has that name already.
    """
    if name in _pieces:
        raise ValueError(f"There is a piece of process state named {name!r} already.")
    _pieces[name] = clear
    if forget_viewers is not None:
        _forgetters.append(forget_viewers)


class Value(Generic[T]):
    """One value that is replaced while the process runs. Read and set `current`; `clear` puts the first one back."""

    def __init__(self, name: str, initial: T) -> None:
        """Register the value under `name`. Raises ValueError as `register` does."""
        self.current = initial
        self._initial = initial
        register(name, self.reset)

    def reset(self) -> None:
        """Put the value back to what it is in a process that has just started."""
        self.current = self._initial


def names() -> list[str]:
    """Return the names of all registered pieces, in alphabetical order."""
    return sorted(_pieces)


def forget_viewers(viewer_ids: Collection[int]) -> None:
    """Take viewers out of the memory of this process, as they were erased."""
    for forget in _forgetters:
        forget(viewer_ids)


def clear() -> None:
    """Put every registered piece back to what it is in a process that has just started."""
    for clear_piece in _pieces.values():
        clear_piece()
