"""Check how many API calls failed. The web processes count them, and Redis adds the counts up."""

from collections.abc import Mapping, Sequence

from recommender.monitoring.checks import Check, Status
from recommender.serving import metrics

MINUTE = 60  # seconds
RECENT_MINUTES, WINDOW_MINUTES = 10, 60
MAX_FAILURE_RATE = 0.01  # of the calls of a class
DISK_FULL_COUNTER = "code:disk_full"
REMEDY = (
    "Mend what else is red (./run manage status). Where nothing is, the log of web has the requests; where it began "
    "with a new model (./run manage models): ./run manage rollback --reason WHY"
)


def check_calls(minutes: Sequence[Mapping[str, int]]) -> Check:
    """Check the failure rate of every class of calls, from counter buckets of a minute each for the last hour.

    WARN for an hour after a class failed, FAIL while it still does.
    """
    name, label = "calls", "Failed calls, last hour"
    if not minutes:
        detail = "Redis, which adds them up, does not answer."
        return Check(name, label, Status.UNKNOWN, "unknown", detail, "Start Redis.")
    hour, recent = metrics.merge_buckets(minutes), metrics.merge_buckets(minutes[-RECENT_MINUTES:])
    calls, failures = _counts_by_class(hour, metrics.CALLS), _counts_by_class(hour, metrics.CALLS_FAILED)
    recent_failures = _counts_by_class(recent, metrics.CALLS_FAILED)
    bad = [group for group, count in failures.items() if count >= MAX_FAILURE_RATE * calls[group]]
    still_bad = [
        group
        for group in bad
        if recent_failures.get(group, 0) >= MAX_FAILURE_RATE * max(recent[metrics.CALLS + group], 1)
    ]
    figures = {f"{_figure_name(group)}_calls": float(count) for group, count in calls.items()}
    figures |= {f"{_figure_name(group)}_failed": float(count) for group, count in failures.items()}
    value = f"{sum(failures.values()):,} of {sum(calls.values()):,}" if calls else "no call yet"
    if not failures:
        return Check(name, label, Status.OK, value, figures=figures)
    most_first = sorted(failures, key=lambda group: -failures[group])
    detail = f"Failed: {'; '.join(f'{group} {failures[group]:,} of {calls[group]:,}' for group in most_first)}."
    status = Status.FAIL if still_bad else Status.WARN if bad else Status.OK
    remedy = "" if status == Status.OK else REMEDY
    return Check(name, label, status, value, detail, remedy, figures)


def count_full_disk_refusals(minutes: Sequence[Mapping[str, int]]) -> int:
    """Count the calls of the last ten minutes that Postgres refused because its disk was full."""
    return metrics.merge_buckets(minutes[-RECENT_MINUTES:])[DISK_FULL_COUNTER]


def _counts_by_class(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): count for name, count in counts.items() if name.startswith(prefix)}


def _figure_name(group: str) -> str:
    return group.replace(" ", "_")
