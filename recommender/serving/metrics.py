"""Counters of what this process answers, added to everyone's in Redis every few seconds.

They lie there in buckets of a minute and of an hour, so that a page can draw them, and whoever judges a new model can
take the minutes since it went live: `rate(total, "failed")`, `rate(total, "fallback")`.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from catalog.selectors import DATABASE_ERRORS
from recommender import cache, process_state
from recommender.cache import CacheUnavailable
from recommender.serving.concurrency import Overloaded
from recommender.serving.paging.page import PagesUnavailable, PageWasMade
from recommender.serving.paging.tokens import CursorExpired
from recommender.serving.response import Answer

FLUSH_SECONDS = 3.0
LATENCY_BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)  # milliseconds: upper ends of the classes
OVERFLOW = "over"  # the class above the last
ROUTE, ROUTE_TIME, MICROSECONDS = "route", "route_ms", "us"  # begin, and end, the names of the totals of each route
METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
CALLS, CALLS_FAILED = "call:", "call_failed:"  # begin the names of the counters of each class of call over HTTP

Params = ParamSpec("Params")
Result = TypeVar("Result")

_counts: Counter[str] = Counter()
_totals: Counter[str] = Counter()  # that no minute or hour has
_lock = threading.Lock()
_suppressed = ContextVar("metrics are suppressed", default=False)
_flushed_at = 0.0  # monotonic seconds


def _forget() -> None:
    global _flushed_at
    with _lock:
        _counts.clear()
        _totals.clear()
    _flushed_at = 0.0


process_state.register("metrics: what was counted since the last flush", _forget)


class NotFound(Exception):
    """The caller asks for what does not exist: no failure."""


def is_traffic() -> bool:
    """Say whether what is answered here is counted: it is a client's, and nothing that staff look at."""
    return not _suppressed.get()


@contextmanager
def suppress_metrics() -> Iterator[None]:
    """Count nothing that serving answers inside: what staff look at is no traffic, and no model's fault."""
    token = _suppressed.set(True)
    try:
        yield
    finally:
        _suppressed.reset(token)


def instrumented(call: Callable[Params, Result]) -> Callable[Params, Result]:
    """Count what an entry point of serving answers, how long it takes and where it fails. Not to be nested."""

    @wraps(call)
    def wrapper(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        if not is_traffic():
            return call(*args, **kwargs)
        started = time.perf_counter()
        try:
            result = call(*args, **kwargs)
        except Overloaded:
            increment("busy")
            raise
        except (NotFound, CursorExpired, PageWasMade):
            raise
        except (*DATABASE_ERRORS, PagesUnavailable):
            increment("unreachable")
            raise
        except Exception:
            increment("failed")
            raise
        count_answer(counters_of(result), time.perf_counter() - started)
        return result

    return wrapper


def count_answer(counters: Sequence[str], seconds: float) -> None:
    """Count an answer by its counters, and how long it took."""
    increment(*counters, _latency_counter(seconds))


def increment(*names: str, by: int = 1) -> None:
    """Add to the counters of these names."""
    with _lock:
        for name in names:
            _counts[name] += by


def count_http_call(kind: str, failed: bool, code: str = "") -> None:
    """Count a call over HTTP of any class, recommending or not. `code`: the error's, of one that failed here."""
    names = [CALLS + kind]
    if failed:
        names += [CALLS_FAILED + kind, *([f"code:{code}"] if code else [])]
    increment(*names)


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a call over HTTP by its route, as urls.py has it, with how long it took."""
    method = method if method in METHODS else "other"  # a client may make up any
    name = f"{method} {route.replace(' ', '_') or '/'}"
    with _lock:
        _totals[f"{ROUTE}:{name} {status}"] += 1
        _totals[f"{ROUTE_TIME}:{name} {_latency_counter(seconds).removeprefix('ms:')}"] += 1
        _totals[f"{ROUTE_TIME}:{name} {MICROSECONDS}"] += int(seconds * 1_000_000)


def counters_of(result: Any) -> list[str]:
    """Return the counters that an answer adds to.

    `answers` counts calls and `lists` the personal lists that they hold, not charts. `astray` is one that a known
    viewer got from elsewhere than a model; a `fallback` is that, or one made while a part was down.
    """
    answers = [result] if isinstance(result, Answer) else result if isinstance(result, list) else []
    names = ["answers"]
    for answer in answers:
        if answer.is_chart:
            continue
        names += ["lists", f"source:{answer.source}"]
        astray = answer.is_known_viewer and answer.model_version is None and answer.source in ("popular", "similar")
        names += ["astray"] * astray + ["fallback"] * (astray or answer.degraded)
    if getattr(result, "degraded", False) or any(answer.degraded for answer in answers):
        names.append("degraded")
    return names


def _latency_counter(seconds: float) -> str:
    for bound in LATENCY_BOUNDS:
        if seconds * 1_000 <= bound:
            return f"ms:{bound}"
    return f"ms:{OVERFLOW}"


def flush() -> None:
    """Add what was counted to the buckets in Redis, every few seconds at most; a web process's watcher calls it.

    While Redis is down the counts stay here.
    """
    global _flushed_at
    if time.monotonic() - _flushed_at < FLUSH_SECONDS:
        return
    with _lock:
        counts, totals = dict(_counts), dict(_totals)
        _counts.clear()
        _totals.clear()
    _flushed_at = time.monotonic()
    if counts or totals:
        try:
            cache.add_counters(int(time.time()), counts, totals)
        except CacheUnavailable:
            with _lock:
                _counts.update(counts)
                _totals.update(totals)


def read_buckets(span: int, count: int) -> list[dict[str, int]]:
    """Return the last `count` buckets of `span` seconds (of cache.COUNTER_BUCKETS), the present one last; none without
    Redis."""
    with suppress(CacheUnavailable):
        return cache.read_counters(int(time.time()), span, count)
    return []


def merge_buckets(buckets: Sequence[Mapping[str, int]]) -> Counter[str]:
    """Return the sums of the counters over the buckets."""
    total: Counter[str] = Counter()
    for bucket in buckets:
        total.update(bucket)
    return total


def total_calls(total: Mapping[str, int]) -> int:
    """Return how many calls were worked on, whatever came of it."""
    return total.get("answers", 0) + total.get("failed", 0)


def rate(total: Mapping[str, int], name: str) -> float | None:
    """Return a counter's share, 0..1: failures of all calls, anything else of all lists; None where there were none."""
    whole = total_calls(total) if name == "failed" else total.get("lists", 0)
    return total.get(name, 0) / whole if whole else None


def percentile(total: Mapping[str, int], share: float) -> float | None:
    """Return the milliseconds within which this share (0..1) of the calls was answered: the upper end of its class."""
    classes = [(bound, total.get(f"ms:{bound}", 0)) for bound in LATENCY_BOUNDS]
    classes.append((float("inf"), total.get(f"ms:{OVERFLOW}", 0)))  # type: ignore[arg-type]
    remaining = share * sum(count for _, count in classes)
    if not remaining:
        return None
    for bound, count in classes:
        remaining -= count
        if remaining <= 0:
            return bound
    return None
