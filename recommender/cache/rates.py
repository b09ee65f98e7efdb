"""How many calls a caller made in a window of time, counted over all web processes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from recommender.cache import lists
from recommender.cache.connection import CacheUnavailable, counters_connection, redis_connection
from recommender.cache.keys import full_key, rate_key
from recommender.cache.lists import ListRead


class RateWindow(NamedTuple):
    """A caller's calls of one class in a fixed window of time."""

    scope: str
    caller: str
    number: int  # of the window since 1970
    seconds: int  # its length

    def commands(self, calls: int = 1) -> tuple[tuple[Any, ...], ...]:
        """Return the commands that add calls, whose replies `calls_in` reads."""
        name = full_key(rate_key(self.scope, self.caller, self.number))
        return ("SET", name, 0, "EX", 2 * self.seconds, "NX"), ("INCRBY", name, calls)

    @staticmethod
    def calls_in(replies: Sequence[Any]) -> int | None:
        """Return the calls of the window; None where Redis refused to count."""
        return replies[-1] if isinstance(replies[-1], int) else None


def count_calls(window: RateWindow, calls: int = 1) -> int | None:
    """Add calls to a window, in one round trip, and return how many it has; None where Redis refused to count."""
    return window.calls_in(counters_connection.run(*window.commands(calls)))


def count_call_and_read(window: RateWindow, viewer_id: int) -> tuple[int | None, ListRead | None]:
    """Count a call as `count_calls` does and read as `read_list_and_versions` does, in one round trip unless the
    counters have a server of their own; None for what Redis refused."""
    if counters_connection is not redis_connection:
        return _count_apart(window), _read_apart(viewer_id)
    guess = lists.last_active_model.current
    *counted, values = redis_connection.run(*window.commands(), lists.read_command(guess, viewer_id))
    read = None if isinstance(values, Exception) else ListRead(viewer_id, *lists.judge_values(guess, viewer_id, values))
    return window.calls_in(counted), read


def _count_apart(window: RateWindow) -> int | None:
    """Count a call on the counters' own server; None also where it does not answer."""
    try:
        return count_calls(window)
    except CacheUnavailable:
        return None


def _read_apart(viewer_id: int) -> ListRead | None:
    """Read as `read_list_and_versions` does; None also where Redis does not answer: who needs it finds out again."""
    try:
        return ListRead(viewer_id, *lists.read_list_and_versions(viewer_id))
    except CacheUnavailable:
        return None
