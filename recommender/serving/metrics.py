"""What this process has answered: counted in memory, and added to everyone's sums in Redis every few seconds.

Sums lie by the minute and by the hour, so that a page can draw them, and whoever judges a new model can take the
minutes since it went live: `share(sums, "failed")`, `share(sums, "fallback")`.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from catalog.selectors import DATABASE_ERRORS
from recommender import cache
from recommender.cache import CacheUnavailable
from recommender.serving.concurrency import Overloaded
from recommender.serving.response import Answer

FLUSH_SECONDS = 3.0
LATENCY_BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)  # milliseconds: upper ends of the classes
OVERFLOW = "over"  # the class above the last
CALLS, CALLS_FAILED = "call:", "call_failed:"  # begin the names of the sums of each class of call over HTTP

Params = ParamSpec("Params")
Result = TypeVar("Result")

_counts: Counter[str] = Counter()
_lock = threading.Lock()
_thread = threading.local()
_flushed_at = 0.0  # monotonic seconds


class NotFound(Exception):
    """The caller asked for what does not exist: no failure."""


@contextmanager
def suppress_metrics() -> Iterator[None]:
    """Nothing that serving answers inside is counted: what staff look at is no traffic, and no model's fault."""
    before = getattr(_thread, "silent", False)
    _thread.silent = True
    try:
        yield
    finally:
        _thread.silent = before


def instrumented(call: Callable[Params, Result]) -> Callable[Params, Result]:
    """Counts what a front door of serving answers, how long it takes, where it fails; not what it asks of another."""

    @wraps(call)
    def counting(*args: Params.args, **more: Params.kwargs) -> Result:
        if getattr(_thread, "silent", False):
            return call(*args, **more)
        started = time.perf_counter()
        try:
            with suppress_metrics():
                told = call(*args, **more)
        except Overloaded:
            increment("busy")
            raise
        except NotFound:
            raise
        except DATABASE_ERRORS:
            increment("unreachable")
            raise
        except Exception:
            increment("failed")
            raise
        increment(*_counters_of(told), _latency_bucket(time.perf_counter() - started))
        return told

    return counting


def increment(*names: str, by: int = 1) -> None:
    with _lock:
        for name in names:
            _counts[name] += by


def count_http_call(kind: str, failed: bool, code: str = "") -> None:
    """A call over HTTP of any class, recommending or not. `code`: of the error of one that failed here."""
    names = [CALLS + kind]
    if failed:
        names += [CALLS_FAILED + kind, *([f"code:{code}"] if code else [])]
    increment(*names)


def _counters_of(told: Any) -> list[str]:
    """`answers` counts calls and `lists` the personal lists that they hold, not charts. Astray is one that a viewer who
    is known got from elsewhere than a model; a fallback is that, or one made while a part was down."""
    answers = [told] if isinstance(told, Answer) else told if isinstance(told, list) else []
    lists = [one for one in answers if not one.is_chart]
    names = ["answers"]
    for one in lists:
        names += ["lists", f"source:{one.source}"]
        astray = one.is_known_viewer and one.model_version is None and one.source in ("popular", "similar")
        names += ["astray"] * astray + ["fallback"] * (astray or one.degraded)
    if getattr(told, "degraded", False) or any(one.degraded for one in answers):
        names.append("degraded")
    return names


def _latency_bucket(seconds: float) -> str:
    for end in LATENCY_BOUNDS:
        if seconds * 1_000 <= end:
            return f"ms:{end}"
    return f"ms:{OVERFLOW}"


def flush() -> None:
    """Adds what was counted to the sums, not more often than every few seconds; the watch of a web process calls it.
    While Redis is gone the counts stay here."""
    global _flushed_at
    if time.monotonic() - _flushed_at < FLUSH_SECONDS:
        return
    with _lock:
        counts = dict(_counts)
        _counts.clear()
    _flushed_at = time.monotonic()
    if counts:
        try:
            cache.add_counters(int(time.time()), counts)
        except CacheUnavailable:
            with _lock:
                _counts.update(counts)


def read_buckets(span: int, count: int) -> list[dict[str, int]]:
    """The last `count` minutes or hours (`span` of cache.TALLY_SPANS), the present one last; none without Redis."""
    with suppress(CacheUnavailable):
        return cache.read_counters(int(time.time()), span, count)
    return []


def merge_buckets(parts: Sequence[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return total


def total_calls(total: Mapping[str, int]) -> int:
    """Those that were worked on, whatever came of it."""
    return total.get("answers", 0) + total.get("failed", 0)


def rate(total: Mapping[str, int], name: str) -> float | None:
    """0..1: failures of all calls, anything else of all lists; None where there were none."""
    whole = total_calls(total) if name == "failed" else total.get("lists", 0)
    return total.get(name, 0) / whole if whole else None


def percentile(total: Mapping[str, int], part: float) -> float | None:
    """Milliseconds within which this part (0..1) of the calls was answered: the upper end of its class."""
    classes = [(end, total.get(f"ms:{end}", 0)) for end in LATENCY_BOUNDS] + [
        (float("inf"), total.get(f"ms:{OVERFLOW}", 0))
    ]
    left = part * sum(number for _, number in classes)
    if not left:
        return None
    for end, number in classes:
        left -= number
        if left <= 0:
            return end
    return None
