"""The system's figures in the format of Prometheus, read from what all processes share.

One process of the system exports them, so nothing is counted twice. No label names a viewer or a film.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import DatabaseError

from recommender import cache, record_log
from recommender.cache import CacheUnavailable
from recommender.models import ModelVersion, OutcomeSum
from recommender.monitoring import system_health
from recommender.monitoring.checks import Check, Status
from recommender.serving import metrics

STATUS_NUMBERS = {Status.OK: 0, Status.WARN: 1, Status.UNKNOWN: 2, Status.FAIL: 3}
# Counter -> name of the figure, and what it says.
PLAIN = {
    "answers": ("movierec_answers", "Calls that were answered with lists."),
    "failed": ("movierec_answers_failed", "Calls for lists that ended in an error of the server."),
    "busy": ("movierec_answers_refused", "Calls for lists that were refused, as too many were being computed."),
    "unreachable": ("movierec_answers_unreachable", "Calls for lists that failed as Postgres or Redis was away."),
    "degraded": ("movierec_answers_degraded", "Answers that were made while a part was down."),
    "fallback": ("movierec_lists_fallback", "Lists of known viewers that no model made, or while a part was down."),
    "events": ("movierec_events_accepted", "Events that were stored."),
    "events_rejected": ("movierec_events_rejected", "Events that were not valid, or in conflict with a stored one."),
    "events_invisible": ("movierec_events_invisible", "Events that were stored while Redis could not be told."),
}
SOURCES = ("cache", "model", "similar", "popular")
LOGS = (record_log.SERVED_LISTS, record_log.OUTCOMES)
SUMMED = ("clicks", "impressions", "plays", "lists")


@dataclass(slots=True)
class Metric:
    """A figure, or several that differ by labels."""

    name: str
    kind: str  # counter, gauge or histogram
    message: str  # what it says
    samples: list[tuple[str, Mapping[str, str], float]] = field(
        default_factory=list
    )  # suffix of the name, labels, value

    def add(self, value: float, **labels: str) -> None:
        """Add a figure with these labels."""
        self.samples.append(("_total" if self.kind == "counter" else "", labels, value))

    def add_histogram(self, counts: Mapping[str, int], **labels: str) -> None:
        """Add what `metrics` counted by classes of milliseconds, cumulated, in seconds."""
        total, summed, lower = 0, 0.0, 0
        for bound in (*metrics.LATENCY_BOUNDS, metrics.OVERFLOW):
            count = counts.get(str(bound), 0)
            total += count
            upper = lower if isinstance(bound, str) else bound
            summed += count * (lower + upper) / 2_000  # the middle of the class, where the time itself was not summed
            lower = upper
            end = "+Inf" if isinstance(bound, str) else str(bound / 1_000)
            self.samples.append(("_bucket", {**labels, "le": end}, total))
        measured = counts.get(metrics.MICROSECONDS)
        self.samples.append(("_sum", labels, summed if measured is None else measured / 1_000_000))
        self.samples.append(("_count", labels, total))

    def lines(self) -> Iterator[str]:
        """Yield the figure in the text format 0.0.4."""
        name = self.name + ("_total" if self.kind == "counter" else "")
        yield f"# HELP {name} {self.message}"
        yield f"# TYPE {name} {self.kind}"
        for suffix, labels, value in self.samples:
            listed = ",".join(f'{label}="{_escape(text)}"' for label, text in sorted(labels.items()))
            yield f"{self.name}{suffix}{{{listed}}} {float(value)}" if listed else f"{self.name}{suffix} {float(value)}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def export() -> str:
    """Return all figures in Prometheus' text format, version 0.0.4."""
    return "".join(f"{line}\n" for metric in collect() for line in metric.lines())


def collect() -> Iterator[Metric]:
    """Yield every figure that can be read; `movierec_scrape_complete` is 0 where Redis or Postgres is away."""
    totals: Mapping[str, int] = {}
    is_complete = True
    try:
        totals = cache.read_total_counters()
        yield from _waiting()
    except CacheUnavailable:
        is_complete = False
    yield from _counters(totals)
    yield from _requests(totals)
    yield from _checks(system_health.check_system().checks)
    try:
        yield from _model()
        yield from _outcomes()
    except DatabaseError:
        is_complete = False
    complete = Metric("movierec_scrape_complete", "gauge", "1: Redis and Postgres told their figures.")
    complete.add(is_complete)
    yield complete


def _waiting() -> Iterator[Metric]:
    waiting = Metric("movierec_log_waiting", "gauge", "Records in Redis that wait to be stored.")
    for log in LOGS:
        waiting.add(cache.count_waiting_records(log), log=log)
    yield waiting


def _counters(totals: Mapping[str, int]) -> Iterator[Metric]:
    """Yield what all processes counted. A counter that nothing was added to is 0: a rate needs a first value."""
    for counter, (name, message) in PLAIN.items():
        plain = Metric(name, "counter", message)
        plain.add(totals.get(counter, 0))
        yield plain
    lists = Metric("movierec_lists", "counter", "Personal lists, by how they came about.")
    for source in SOURCES:
        lists.add(totals.get(f"source:{source}", 0), source=source)
    yield lists
    records = Metric("movierec_log_records", "counter", "Served lists and outcomes on their way to their tables.")
    for log in LOGS:
        for fate in ("sent", "stored", "dropped"):
            records.add(totals.get(f"{log}_{fate}", 0), log=log, fate=fate)
    yield records
    durations = Metric("movierec_list_duration_seconds", "histogram", "How long lists took inside serving.")
    durations.add_histogram(
        {name.removeprefix("ms:"): count for name, count in totals.items() if name.startswith("ms:")}
    )
    yield durations


def _requests(totals: Mapping[str, int]) -> Iterator[Metric]:
    """Yield the calls over HTTP by route, and how long they took."""
    requests = Metric("movierec_requests", "counter", "Calls over HTTP.")
    durations = Metric("movierec_request_duration_seconds", "histogram", "How long calls over HTTP took.")
    classes: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for name, count in sorted(totals.items()):
        kind, _, rest = name.partition(":")
        parts = rest.split(" ")
        if kind == metrics.ROUTE and len(parts) == 3:
            requests.add(count, method=parts[0], route=parts[1], code=parts[2])
        elif kind == metrics.ROUTE_TIME and len(parts) == 3:
            classes[parts[0], parts[1]][parts[2]] = count
    for (method, route), counts in classes.items():
        durations.add_histogram(counts, method=method, route=route)
    yield requests
    yield durations


def _checks(checks: Iterable[Check]) -> Iterator[Metric]:
    """Yield the state of each check, and its figures with the unit in their names."""
    message = "Of each health check: 0 good, 1 to be watched, 2 not known, 3 bad."
    states = Metric("movierec_check_state", "gauge", message)
    figures = Metric("movierec_check_figure", "gauge", "What the checks measured.")
    for check in checks:
        states.add(STATUS_NUMBERS[check.status], check=check.name)
        for figure, value in check.figures.items():
            figures.add(value, check=check.name, figure=figure)
    yield states
    yield figures


def _model() -> Iterator[Metric]:
    """Yield the quality of the active model as its training measured it."""
    quality = Metric("movierec_model_quality", "gauge", "Of the active model, as measured.")
    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).values_list("metrics", flat=True).first()
    for name in ("hr10", "ndcg10"):
        if isinstance(value := (active or {}).get(name), int | float):
            quality.add(value, metric=name)
    yield quality
    versions = Metric("movierec_model_versions", "gauge", "Model versions by state.")
    for status in ModelVersion.Status:
        versions.add(ModelVersion.objects.filter(status=status).count(), state=status)
    yield versions


def _outcomes() -> Iterator[Metric]:
    """Yield what came of today's lists so far, by call."""
    today = Metric("movierec_today", "gauge", "Lists served today (UTC) and what came of them.")
    for row in OutcomeSum.objects.filter(day=datetime.now(UTC).date(), dimension="surface"):
        for what in SUMMED:
            today.add(row.counts.get(what, 0), surface=row.value, what=what)
    yield today
