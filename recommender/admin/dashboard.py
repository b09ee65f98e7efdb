"""The admin's first page: is it healthy, is it good, is it fresh."""

import time
from collections.abc import Mapping, Sequence
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

HOUR, MINUTE = 3_600, 60
CHARTED_VERSIONS = 12  # drawn
MAX_FAILURE_RATE, MAX_FALLBACK_RATE = 0.01, 0.2  # shares
ROBOT_SHARE, MIN_ROBOTS = 0.3, 50  # of a day's new viewers who watched one film: share, viewers
STATES = {Status.OK: "good", Status.WARN: "warn", Status.UNKNOWN: "warn", Status.FAIL: "bad"}


@dataclass(frozen=True, slots=True)
class Tile:
    label: str
    value: str
    message: str = ""
    state: str = ""  # "good", "warn", "bad", or none
    chart: SafeString | str = ""


def dashboard_callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold calls it for the first page. Whoever may not see models and jobs gets the list of pages alone."""
    if request.user.has_perms(["recommender.view_modelversion", "recommender.view_job"]):
        hours, minutes = metrics.read_buckets(HOUR, 24), metrics.read_buckets(MINUTE, 60)
        running = _system_tiles()
        context["summary"] = _summary(running)
        context["questions"] = [
            ("Is everything running?", running),
            ("Is it healthy?", _health_tiles(minutes, hours)),
            ("Is it good?", _quality_tiles(minutes, hours)),
            ("Is it fresh?", _freshness_tiles(hours)),
        ]
    return context


admin.site.index_template = "recommender/front.html"


def _system_tiles() -> list[Tile]:
    """What `manage.py status` and GET /health/system tell too, the worst first."""
    checks = system_health.worst_first(system_health.check_system().checks)
    return [Tile(one.label, one.value, join_sentences(one.detail, one.remedy), STATES[one.status]) for one in checks]


def _summary(running: Sequence[Tile]) -> str:
    bad, warn = (sum(tile.state == state for tile in running) for state in ("bad", "warn"))
    if not bad and not warn:
        return f"All is well: {count_noun(len(running), 'check')}."
    told = (f"{count_noun(bad, 'check')} failed", f"{count_noun(warn, 'check')} should be looked at")
    words = " and ".join(part for part, count in zip(told, (bad, warn), strict=True) if count)
    return f"{words} of {len(running)}: see the first below."


def _health_tiles(minutes: Sequence[Mapping[str, int]], hours: Sequence[Mapping[str, int]]) -> list[Tile]:
    last = metrics.merge_buckets(minutes)
    failed, p95 = metrics.rate(last, "failed"), metrics.percentile(last, 0.95)
    return [
        _loaded_model_tile(),
        Tile(
            "Failed answers, last hour",
            _format_share(failed),
            _failed_message(last),
            "" if failed is None else "bad" if failed >= MAX_FAILURE_RATE else "warn" if last["busy"] else "good",
            _hourly_chart(hours, lambda of: of.get("answers"), "{:,.0f} answers"),
        ),
        Tile(
            "Answered within",
            "no answer yet" if p95 is None else _format_milliseconds(p95),
            ""
            if p95 is None
            else f"95 % of the last hour's; half within {_format_milliseconds(metrics.percentile(last, 0.5))}",
            "",
            _hourly_chart(hours, lambda of: metrics.percentile(of, 0.95), "95 % within {:,.0f} ms"),
        ),
    ]


def _failed_message(last: Mapping[str, int]) -> str:
    words = (
        f"{last['failed']:,} of {count_noun(metrics.total_calls(last), 'answer')}" if metrics.total_calls(last) else ""
    )
    busy = f"{count_noun(last['busy'], 'call')} refused as the server was busy" if last["busy"] else ""
    return "; ".join(filter(None, (words, busy)))


def _loaded_model_tile() -> Tile:
    holding, active = (
        serving_status.models_by_process(),
        ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).first(),
    )
    if holding is None:
        return Tile("Model in memory", "Redis is unreachable", "Lists are computed at every read.", "bad")
    good = sum(name == (active.name if active else "") for name in holding.values())
    words = "web processes have loaded the active model" if active else "web processes know that there is no model"
    words = words if holding else "no web process reports"
    return Tile("Model in memory", f"{good} of {len(holding)}", words, _state(good == len(holding)))


def _quality_tiles(minutes: Sequence[Mapping[str, int]], hours: Sequence[Mapping[str, int]]) -> list[Tile]:
    last = metrics.merge_buckets(minutes)
    hits, fallback = _hit_rate(last), metrics.rate(last, "fallback")
    return [
        *_model_tiles(),
        Tile(
            "Hit rate, last hour",
            _format_share(hits),
            "of personal lists were stored ahead of time",
            "",
            _hourly_chart(hours, lambda of: _times_hundred(_hit_rate(of)), "{:.0f} %"),
        ),
        Tile(
            "Fallback share, last hour",
            _format_share(fallback),
            "of lists for known viewers came without the active model, or while a part was down",
            "" if fallback is None else "warn" if fallback > MAX_FALLBACK_RATE else "good",
            _hourly_chart(hours, lambda of: _times_hundred(metrics.rate(of, "fallback")), "{:.1f} %"),
        ),
    ]


def _model_tiles() -> list[Tile]:
    newest = list(ModelVersion.objects.defer("history").filter(~Q(metrics={}))[:CHARTED_VERSIONS])
    active = next((one for one in newest if one.status == ModelVersion.Status.ACTIVE), None)
    active = active or ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).first()
    if active is None:
        return [Tile("Active model", "none", "Popular films are served. The age of the model says why.", "warn")]
    figures = [one.metrics["ndcg10"] for one in reversed(newest) if "ndcg10" in one.metrics]
    ndcg, popular = (found.get("ndcg10") for found in (active.metrics, _popularity_metrics(active)))
    words = "not measured"
    if "hr10" in active.metrics:
        words = f"The next film was among the first ten for {_format_share(active.metrics['hr10'])} of viewers (HR@10)."
    words += f" Popular films reach NDCG@10 {popular:.4f}." if popular is not None else ""
    since = f"since {active.activated_at:%Y-%m-%d %H:%M}" if active.activated_at else ""
    better = "" if ndcg is None or popular is None else _state(ndcg > popular)
    curve = line_chart([figures], ["NDCG@10 by version"]) if len(figures) > 1 else ""
    return [
        Tile("Active model", active.name, since, "good"),
        Tile("Accuracy (NDCG@10)", "-" if ndcg is None else f"{ndcg:.4f}", words, better, curve),
    ]


def _popularity_metrics(version: ModelVersion) -> dict[str, float]:
    return dict(version.metrics.get("baselines", {}).get("popularity", {}))


def _freshness_tiles(hours: Sequence[Mapping[str, int]]) -> list[Tile]:
    since_midnight = hours[-(datetime.now(UTC).hour + 1) :]
    outbox = len(selectors.pending_viewer_versions(1_000))
    shown, films = serving_status.available_counts()
    return [
        _list_coverage_tile(),
        Tile(
            "Events today",
            f"{metrics.merge_buckets(since_midnight)['events']:,}",
            f"stored since midnight UTC; {count_noun(outbox, 'viewer')} not yet published to Redis",
            _state(outbox < 1_000),
            _hourly_chart(hours, lambda of: of.get("events"), "{:,.0f} events"),
        ),
        _new_viewers_tile(),
        Tile("Films shown", f"{shown:,}", f"of {films:,} can be watched now", _state(shown > 0)),
    ]


def _new_viewers_tile() -> Tile:
    found = selectors.new_viewers()
    if not found.watched_by:
        words = "None of them watched anything." if found.viewers else ""
        return Tile("New viewers, last day", f"{found.viewers:,}", words)
    words = f"{found.watched_by:,} of them watched {found.title}. Charts do not count them for the first days."
    many = found.watched_by >= max(MIN_ROBOTS, ROBOT_SHARE * found.viewers)
    return Tile("New viewers, last day", f"{found.viewers:,}", words, "warn" if many else "")


def _list_coverage_tile() -> Tile:
    found = serving_status.stored_list_coverage()
    if found is None:
        return Tile("Lists stored", "unknown", "There is no Redis, model or viewer to ask.", "warn")
    words = f"of {found.sampled} sampled viewers have one; of {_format_share(found.current / found.sampled)} it is up to date"
    return Tile(
        "Lists stored", _format_share(found.stored / found.sampled), words, _state(found.current > found.sampled / 2)
    )


def _hit_rate(total: Mapping[str, int]) -> float | None:
    hits, made = total.get("source:cache", 0), total.get("source:model", 0)
    return hits / (hits + made) if hits + made else None


def _hourly_chart(hours: Sequence[Mapping[str, int]], figure: Any, words: str) -> SafeString | str:
    """A column an hour of the last day."""
    if not hours:
        return ""
    values = [figure(of) for of in hours]
    begin = int(time.time()) // HOUR - len(hours) + 1
    moments = (datetime.fromtimestamp((begin + n) * HOUR, UTC) for n in range(len(hours)))
    labels = [f"{at:%H:00} UTC: " + words.format(value or 0) for at, value in zip(moments, values, strict=True)]
    return column_chart(values, labels)


def _state(good: bool) -> str:
    return "good" if good else "warn"


def _times_hundred(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _format_share(share: float | None) -> str:
    return "none yet" if share is None else f"{share:.1%}".replace("%", " %")


def _format_milliseconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f} ms" if value < float("inf") else f"more than {metrics.LATENCY_BOUNDS[-1]:,} ms"
