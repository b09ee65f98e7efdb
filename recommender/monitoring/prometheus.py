"""The system's figures for Prometheus, read from what all processes share.

One process of the system exports them, so nothing is counted twice, and no process writes files for it. No label names
a viewer or a film.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import DatabaseError
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from recommender import cache, record_log
from recommender.cache import CacheUnavailable
from recommender.monitoring import stored_figures, system_health
from recommender.monitoring.checks import Check, Status
from recommender.serving import metrics

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]  # of WSGI

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
AGES = {"model": "model", "queue": "oldest job", "charts": "charts", "night": "last night"}  # check -> what is so old


class SystemCollector(Collector):
    """Collects every figure that can be read; `movierec_scrape_complete` is 0 where Redis or Postgres is away."""

    def collect(self) -> Iterator[Metric]:
        """Yield the figures as they are now."""
        totals: Mapping[str, int] = {}
        is_complete = True
        try:
            totals = cache.read_total_counters()
            yield _waiting()
        except CacheUnavailable:
            is_complete = False
        yield from _counters(totals)
        yield from _requests(totals)
        yield from _checks(system_health.check_system().checks)
        try:
            yield from stored_figures.collect()
        except DatabaseError:
            is_complete = False
        yield GaugeMetricFamily("movierec_scrape_complete", "1: Redis and Postgres told their figures.", is_complete)


def make_application() -> Application:
    """Return a WSGI application that answers with all figures, in the format that the scraper asks for."""
    registry = CollectorRegistry()
    registry.register(SystemCollector())
    return make_wsgi_app(registry)


def _waiting() -> Metric:
    waiting = GaugeMetricFamily("movierec_log_waiting", "Records in Redis that wait to be stored.", labels=["log"])
    for log in record_log.LOGS:
        waiting.add_metric([log], cache.count_waiting_records(log))
    return waiting


def _counters(totals: Mapping[str, int]) -> Iterator[Metric]:
    """Yield what all processes counted. A counter that nothing was added to is 0: a rate needs a first value."""
    for counter, (name, message) in PLAIN.items():
        yield CounterMetricFamily(name, message, totals.get(counter, 0))
    lists = CounterMetricFamily("movierec_lists", "Personal lists, by how they came about.", labels=["source"])
    for source in SOURCES:
        lists.add_metric([source], totals.get(f"source:{source}", 0))
    yield lists
    message = "Served lists and outcomes on their way to their tables."
    records = CounterMetricFamily("movierec_log_records", message, labels=["log", "fate"])
    for log in record_log.LOGS:
        for fate in ("sent", "stored", "dropped"):
            records.add_metric([log, fate], totals.get(f"{log}_{fate}", 0))
    yield records
    durations = HistogramMetricFamily("movierec_list_duration_seconds", "How long lists took inside serving.")
    _add_histogram(
        durations, [], {name.removeprefix("ms:"): count for name, count in totals.items() if name.startswith("ms:")}
    )
    yield durations


def _requests(totals: Mapping[str, int]) -> Iterator[Metric]:
    """Yield the calls over HTTP by route, and how long they took."""
    requests = CounterMetricFamily("movierec_requests", "Calls over HTTP.", labels=["method", "route", "code"])
    message = "How long calls over HTTP took."
    durations = HistogramMetricFamily("movierec_request_duration_seconds", message, labels=["method", "route"])
    classes: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for name, count in sorted(totals.items()):
        kind, _, rest = name.partition(":")
        parts = rest.split(" ")
        if kind == metrics.ROUTE and len(parts) == 3:
            requests.add_metric(parts, count)
        elif kind == metrics.ROUTE_TIME and len(parts) == 3:
            classes[parts[0], parts[1]][parts[2]] = count
    for labels, counts in classes.items():
        _add_histogram(durations, labels, counts)
    yield requests
    yield durations


def _add_histogram(histogram: HistogramMetricFamily, labels: Sequence[str], counts: Mapping[str, int]) -> None:
    """Add what `metrics` counted by classes of milliseconds, cumulated, in seconds."""
    total, summed, lower = 0, 0.0, 0
    buckets: list[tuple[str, float]] = []
    for bound in (*metrics.LATENCY_BOUNDS, metrics.OVERFLOW):
        count = counts.get(str(bound), 0)
        total += count
        upper = lower if isinstance(bound, str) else bound
        summed += count * (lower + upper) / 2_000  # the middle of the class, where the time itself was not summed
        lower = upper
        buckets.append(("+Inf" if isinstance(bound, str) else str(bound / 1_000), total))
    measured = counts.get(metrics.MICROSECONDS)
    histogram.add_metric(labels, buckets, summed if measured is None else measured / 1_000_000)


def _checks(checks: Iterable[Check]) -> Iterator[Metric]:
    """Yield the state of each check, its figures with the unit in their names, and the ages among these."""
    message = "Of each health check: 0 good, 1 to be watched, 2 not known, 3 bad."
    states = GaugeMetricFamily("movierec_check_state", message, labels=["check"])
    figures = GaugeMetricFamily("movierec_check_figure", "What the checks measured.", labels=["check", "figure"])
    ages = GaugeMetricFamily("movierec_age_seconds", "How old the parts of the system are.", labels=["of"])
    for check in checks:
        states.add_metric([check.name], STATUS_NUMBERS[check.status])
        for figure, value in check.figures.items():
            figures.add_metric([check.name, figure], value)
        if check.name in AGES and "age_seconds" in check.figures:
            ages.add_metric([AGES[check.name]], check.figures["age_seconds"])
    yield states
    yield figures
    yield ages
