"""The admin's first page: questions of those who run the site, each answered by tiles in plain words."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString

from catalog import selectors
from catalog.plurals import count_noun
from recommender.admin.svg_charts import column_chart, line_chart
from recommender.models import ModelVersion
from recommender.monitoring import serving_status, system_health
from recommender.monitoring.checks import Status, join_sentences
from recommender.serving import metrics

HOUR, MINUTE = 3_600, 60  # seconds
CHARTED_VERSIONS = 12  # model versions on the accuracy chart
MAX_FAILURE_RATE, MAX_FALLBACK_RATE = 0.01, 0.2
ROBOT_SHARE, MIN_ROBOTS = 0.3, 50  # share and number of a day's new viewers who watched the same movie
MAX_OUTBOX = 1_000  # viewers
STATES = {Status.OK: "good", Status.WARN: "warn", Status.UNKNOWN: "warn", Status.FAIL: "bad"}

Counts = Mapping[str, int]  # counters of a minute or an hour

admin.site.index_template, admin.site.index_title = "recommender/dashboard.html", "Today"


@dataclass(frozen=True, slots=True)
class Tile:
    """Hold one figure of the dashboard. `state` is "good", "warn", "bad" or empty."""

    label: str
    value: str
    message: str = ""
    state: str = ""
    chart: SafeString | str = ""


def dashboard_callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the tiles to the context of the admin's first page. unfold calls this by the setting DASHBOARD_CALLBACK.

    Staff who may not see models and jobs get the list of pages alone.
    """
    if request.user.has_perms(["recommender.view_modelversion", "recommender.view_job"]):
        hours, minutes = metrics.read_buckets(HOUR, 24), metrics.read_buckets(MINUTE, 60)
        system_tiles = _system_tiles()
        context["summary"] = _summary(system_tiles)
        amiss = [tile for tile in system_tiles if tile.state != "good"]
        context["questions"] = [
            *([("What needs a look?", amiss)] if amiss else []),
            ("What do viewers get?", _quality_tiles(minutes, hours)),
            ("Is it up to date?", _freshness_tiles(hours)),
            ("Do they get it at once?", _health_tiles(minutes, hours)),
            ("Does every part run?", [tile for tile in system_tiles if tile.state == "good"]),
        ]
    return context


def _system_tiles() -> list[Tile]:
    """Make a tile of each check of GET /health/system, the worst first."""
    checks = system_health.worst_first(system_health.check_system().checks)
    return [
        Tile(check.label, check.value, join_sentences(check.detail, check.remedy), STATES[check.status])
        for check in checks
    ]


def _summary(tiles: Sequence[Tile]) -> str:
    bad, warn = (sum(tile.state == state for tile in tiles) for state in ("bad", "warn"))
    if not bad and not warn:
        return f"All is well: {count_noun(len(tiles), 'check')}."
    parts = [f"{count_noun(bad, 'check')} failed"] if bad else []
    parts += [f"{count_noun(warn, 'check')} should be looked at"] if warn else []
    return f"{' and '.join(parts)} of {len(tiles)}: see the first below."


def _health_tiles(minutes: Sequence[Counts], hours: Sequence[Counts]) -> list[Tile]:
    counts = metrics.merge_buckets(minutes)
    failed, p95 = metrics.rate(counts, "failed"), metrics.percentile(counts, 0.95)
    median = _format_milliseconds(metrics.percentile(counts, 0.5))
    calls, busy = metrics.total_calls(counts), counts["busy"]
    messages = [f"{counts['failed']:,} of {count_noun(calls, 'answer')}"] if calls else []
    messages += [f"{count_noun(busy, 'call')} answered with less or refused, as the server was busy"] if busy else []
    return [
        _loaded_model_tile(),
        Tile(
            "Failed answers, last hour",
            _format_share(failed),
            "; ".join(messages),
            "" if failed is None else "bad" if failed >= MAX_FAILURE_RATE else "warn" if busy else "good",
            _hourly_chart(hours, lambda hour: hour.get("answers"), "{:,.0f} answers"),
        ),
        Tile(
            "An answer takes",
            "no answer yet" if p95 is None else _format_milliseconds(p95),
            "" if p95 is None else f"or less, for 95 of 100 in the last hour; for half, {median}",
            "",
            _hourly_chart(hours, lambda hour: metrics.percentile(hour, 0.95), "95 of 100 within {:,.0f} ms"),
        ),
    ]


def _loaded_model_tile() -> Tile:
    models = serving_status.models_by_process()
    if models is None:
        return Tile(
            "Web servers with the model", "unknown", "Redis does not answer: lists are made at every visit.", "bad"
        )
    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).first()
    ready = sum(name == (active.name if active else "") for name in models.values())
    message = "web processes use the model in charge" if active else "web processes know that there is no model"
    message = message if models else "no web process reports"
    return Tile("Web servers with the model", f"{ready} of {len(models)}", message, _state(ready == len(models)))


def _quality_tiles(minutes: Sequence[Counts], hours: Sequence[Counts]) -> list[Tile]:
    counts = metrics.merge_buckets(minutes)
    fallback = metrics.rate(counts, "fallback")
    return [
        *_model_tiles(),
        Tile(
            "Lists that lay ready, last hour",
            _format_share(_hit_rate(counts)),
            "of personal lists had been made before the visit; the others were made during it",
            "",
            _hourly_chart(hours, lambda hour: _times_hundred(_hit_rate(hour)), "{:.0f}%"),
        ),
        Tile(
            "Lists without the model, last hour",
            _format_share(fallback),
            "of lists for known viewers showed popular or similar films, or came while a part was down",
            "" if fallback is None else "warn" if fallback > MAX_FALLBACK_RATE else "good",
            _hourly_chart(hours, lambda hour: _times_hundred(metrics.rate(hour, "fallback")), "{:.1f}%"),
        ),
    ]


def _model_tiles() -> list[Tile]:
    newest = list(ModelVersion.objects.defer("history").filter(~Q(metrics={}))[:CHARTED_VERSIONS])
    active = next((version for version in newest if version.status == ModelVersion.Status.ACTIVE), None)
    active = active or ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).first()
    if active is None:
        return [Tile("Model in charge", "none", "Viewers get popular films. The age of the model says why.", "warn")]
    ndcg = active.metrics.get("ndcg10")
    popularity_ndcg = active.metrics.get("baselines", {}).get("popularity", {}).get("ndcg10")
    message = "of viewers, in a test on what they watched (HR@10)"
    if ndcg is not None:
        message += f"; NDCG@10 is {ndcg:.4f}"
        message += f", of popular films alone {popularity_ndcg:.4f}" if popularity_ndcg is not None else ""
    activated = f"since {active.activated_at:%Y-%m-%d %H:%M}" if active.activated_at else ""
    state = "" if ndcg is None or popularity_ndcg is None else _state(ndcg > popularity_ndcg)
    by_version = [version.metrics["ndcg10"] for version in reversed(newest) if "ndcg10" in version.metrics]
    chart = line_chart([by_version], ["NDCG@10 by version"]) if len(by_version) > 1 else ""
    return [
        Tile("Next film among the first ten", _format_share(active.metrics.get("hr10")), message, state, chart),
        Tile("Model in charge", active.name, activated, "good"),
    ]


def _freshness_tiles(hours: Sequence[Counts]) -> list[Tile]:
    since_midnight = hours[-(datetime.now(UTC).hour + 1) :]
    outbox = len(selectors.pending_viewer_versions(MAX_OUTBOX))
    available, total = serving_status.available_counts()
    return [
        _list_coverage_tile(),
        Tile(
            "What viewers did today",
            f"{metrics.merge_buckets(since_midnight)['events']:,}",
            f"events since midnight UTC; lists of {count_noun(outbox, 'viewer')} do not know it yet",
            _state(outbox < MAX_OUTBOX),
            _hourly_chart(hours, lambda hour: hour.get("events"), "{:,.0f} events"),
        ),
        _new_viewers_tile(),
        Tile("Films shown", f"{available:,}", f"of {total:,} can be watched now", _state(available > 0)),
    ]


def _new_viewers_tile() -> Tile:
    """Show the day's new viewers, and warn where many of them watched the same movie, as robots do."""
    new = selectors.new_viewers()
    label, value = "New viewers, last day", f"{new.viewers:,}"
    if not new.watched_by:
        return Tile(label, value, "None of them watched anything." if new.viewers else "")
    message = f"{new.watched_by:,} of them watched {new.title}. Charts do not count them for the first days."
    is_suspicious = new.watched_by >= max(MIN_ROBOTS, ROBOT_SHARE * new.viewers)
    return Tile(label, value, message, "warn" if is_suspicious else "")


def _list_coverage_tile() -> Tile:
    coverage = serving_status.stored_list_coverage()
    if coverage is None:
        return Tile("Viewers with a list ready", "unknown", "There is no Redis, model or viewer to ask.", "warn")
    stored, current = coverage.stored / coverage.sampled, coverage.current / coverage.sampled
    viewers = count_noun(coverage.sampled, "viewer")
    message = f"of {viewers}, taken by chance; {_format_share(current)} have one that is up to date"
    return Tile("Viewers with a list ready", _format_share(stored), message, _state(current > 0.5))


def _hit_rate(counts: Counts) -> float | None:
    """Return the share of personal lists that came from the list cache, 0..1; None where there was none."""
    cached, computed = counts.get("source:cache", 0), counts.get("source:model", 0)
    return cached / (cached + computed) if cached + computed else None


def _hourly_chart(hours: Sequence[Counts], value_of: Callable[[Counts], float | None], label: str) -> SafeString:
    """Draw a column for each hour of the last day. `label` formats a value."""
    values = [value_of(hour) for hour in hours]
    first = int(time.time()) // HOUR - len(hours) + 1
    starts = (datetime.fromtimestamp((first + index) * HOUR, UTC) for index in range(len(hours)))
    labels = [f"{start:%H:00} UTC: " + label.format(value or 0) for start, value in zip(starts, values, strict=True)]
    return column_chart(values, labels)


def _state(is_good: bool) -> str:
    return "good" if is_good else "warn"


def _times_hundred(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _format_share(share: float | None) -> str:
    return "none yet" if share is None else f"{share:.1%}"


def _format_milliseconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f} ms" if value < float("inf") else f"more than {metrics.LATENCY_BOUNDS[-1]:,} ms"
