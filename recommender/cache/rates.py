"""How many calls a caller made in a window of time, counted over all web processes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from recommender.cache import lists
from recommender.cache.connection import CacheUnavailable, RawRead, counters_connection, redis_connection
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
    """Count a call as `count_calls` does and read as `read_list` does, in one round trip unless the counters have a
    server of their own; None for what Redis refused."""
    guess = lists.last_active_model.current
    calls, read = count_call_and_repeat(window, lists.read_command(guess, viewer_id))
    if read is None or isinstance(read.reply, Exception):
        return calls, None
    return calls, lists.judge_values(guess, viewer_id, read)


def count_call_and_repeat(window: RateWindow, command: tuple[str, ...]) -> tuple[int | None, RawRead | None]:
    """Count a call as `count_calls` does and repeat a read, likewise."""
    if counters_connection is not redis_connection:
        return _count_apart(window), _read_apart(command)
    *counted, reply = redis_connection.run(*window.commands(), command)
    return window.calls_in(counted), RawRead(command, reply)


def _count_apart(window: RateWindow) -> int | None:
    """Count a call on the counters' own server; None also where it does not answer."""
    try:
        return count_calls(window)
    except CacheUnavailable:
        return None


def _read_apart(command: tuple[str, ...]) -> RawRead | None:
    """Read on the lists' server; None where it does not answer: who needs it finds out again."""
    try:
        [reply] = redis_connection.run(command)
    except CacheUnavailable:
        return None
    return RawRead(command, reply)
