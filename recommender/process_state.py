"""Names every piece of state that this process keeps from one request to the next, and clears it.

A module that keeps something (a dict, a cached answer, a thread's handle, an lru_cache) registers it below its
definition, by a name that says what it is:

    _rankers: OrderedDict[str, Ranker] = OrderedDict()
    process_state.register("registry: rankers in memory", _rankers.clear)

Constants filled at import, loggers, locks and compiled expressions are no state. `catalog` and `infrastructure` may not
import this module; they offer a public function that clears theirs, and `recommender.apps` registers it when the app is
ready. Clearing is for tests, whose databases and caches come and go under one process. A running server never needs it.
"""

from collections.abc import Callable

_pieces: dict[str, Callable[[], object]] = {}


def register(name: str, clear: Callable[[], object]) -> None:
    """Add a piece of state; `clear` puts it back to what it is in a process that has just started.

    Raises ValueError where another piece has that name already.
    """
    if name in _pieces:
        raise ValueError(f"There is a piece of process state named {name!r} already.")
    _pieces[name] = clear


def names() -> list[str]:
    """Return the names of all registered pieces, in alphabetical order."""
    return sorted(_pieces)


def clear() -> None:
    """Put every registered piece back to what it is in a process that has just started."""
    for clear_piece in _pieces.values():
        clear_piece()
