"""Calls of every class and how many of them failed; the web processes count them, in Redis they are added up."""

from collections.abc import Mapping, Sequence

from recommender.monitoring.checks import Check, Status
from recommender.serving import metrics

MINUTE = 60  # seconds
RECENT_MINUTES, WINDOW_MINUTES = 10, 60  # minutes
MAX_FAILURE_RATE = 0.01  # share of the calls of a class
DISK_FULL_COUNTER = "code:disk_full"


def check_calls(minutes: Sequence[Mapping[str, int]]) -> list[Check]:
    """Of the sums of the last hour's minutes. One check: amber for an hour after a class failed, red while it does."""
    name, label = "calls", "Failed calls, last hour"
    if not minutes:
        return [
            Check(name, label, Status.UNKNOWN, "unknown", "Redis, which adds them up, does not answer.", "Start Redis.")
        ]
    hour, lately = metrics.merge_buckets(minutes), metrics.merge_buckets(minutes[-RECENT_MINUTES:])
    made, failed = _by_class(hour, metrics.CALLS), _by_class(hour, metrics.CALLS_FAILED)
    bad = [one for one, count in failed.items() if count >= MAX_FAILURE_RATE * made[one]]
    now = _by_class(lately, metrics.CALLS_FAILED)
    red = [one for one in bad if now.get(one, 0) >= MAX_FAILURE_RATE * max(lately[metrics.CALLS + one], 1)]
    figures = {f"{_figure_name(one)}_calls": float(count) for one, count in made.items()}
    figures |= {f"{_figure_name(one)}_failed": float(count) for one, count in failed.items()}
    words = "; ".join(f"{one} {failed[one]:,} of {made[one]:,}" for one in sorted(failed, key=lambda one: -failed[one]))
    value = f"{sum(failed.values()):,} of {sum(made.values()):,}" if made else "no call yet"
    if not failed:
        return [Check(name, label, Status.OK, value, figures=figures)]
    state = Status.FAIL if red else Status.WARN if bad else Status.OK
    remedy = "" if state == Status.OK else "The other tiles name what is away; the web's log has the requests."
    return [Check(name, label, state, value, f"Failed: {words}.", remedy, figures)]


def count_full_disk_refusals(minutes: Sequence[Mapping[str, int]]) -> int:
    """Calls of the last ten minutes that Postgres refused as its disk was full."""
    return metrics.merge_buckets(minutes[-RECENT_MINUTES:])[DISK_FULL_COUNTER]


def _by_class(total: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): count for name, count in total.items() if name.startswith(prefix)}


def _figure_name(name: str) -> str:
    return name.replace(" ", "_")
