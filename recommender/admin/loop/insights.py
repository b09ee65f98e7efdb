"""The page of what came of the lists: this week beside the week before, with intervals."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from catalog.plurals import count_noun
from infrastructure.read_replica import read_from_replica
from recommender.admin.svg_charts import column_chart, share_bar
from recommender.outcomes import insights
from recommender.outcomes.insights import Rate, ratio
from recommender.outcomes.sums import RATES
from recommender.serving import metrics

WEEK = 7  # days
TITLES = {
    "surface": "By the call",
    "row": "By the row of the home page",
    "source": "By how the list came about",
    "model": "By model",
    "arm": "By the arm of an experiment",
    "viewers": "New and returning viewers",
    "position": "By the place of the film",
}
RATE_TITLES = {
    "click_through": "Click-through",
    "play_rate": "Plays for each film seen",
    "watch_through": "Watched to the end",
    "rejection_rate": "Rejections",
}
MAX_ROWS = 20


class Figure(NamedTuple):
    """A rate of this week beside the one of the week before."""

    title: str
    now: str
    interval: str
    before: str
    is_other: bool  # the intervals do not meet
    chart: SafeString


class Row(NamedTuple):
    """What came of some of the lists."""

    value: str
    lists: str
    seen: str
    clicks: str
    rate: str
    interval: str
    before: str
    bar: SafeString


def insights_page(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """Render the page. Raises PermissionDenied."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    today = timezone.now().date()
    since = today - timedelta(days=WEEK - 1)
    before = since - timedelta(days=WEEK)
    totals = metrics.merge_buckets(metrics.read_buckets(3_600, 24))
    with read_from_replica():
        read = {
            "figures": _figures(before, since, today),
            "tables": [(title, rows) for by, title in TITLES.items() if (rows := _rows(by, before, since, today))],
            "lost": sorted(insights.read_lost(since, today).items(), key=lambda item: -item[1]),
            "shown": insights.read_shown(since, today),
        }
    context = model_admin.admin_site.each_context(request) | {
        "title": "What came of the lists",
        "opts": model_admin.opts,
        "since": since,
        "until": today,
        **read,
        "dropped": totals["lists_dropped"] + totals["outcomes_dropped"],
        "stored": count_noun(totals["lists_stored"], "list was", "lists were"),
    }
    return TemplateResponse(request, "recommender/insights.html", context)


def _figures(before: date, since: date, today: date) -> list[Figure]:
    """Return each rate of the week, beside the week before, with a column a day."""
    now: Mapping[str, int] = insights.read_groups(since, today, "all").get("", {})
    then: Mapping[str, int] = insights.read_groups(before, since - timedelta(days=1), "all").get("", {})
    days = insights.read_groups(before, today, "day")
    figures = []
    for name, parts in RATES.items():
        rate, former = ratio(now, *parts), ratio(then, *parts)
        daily = {day: ratio(counts, *parts) for day, counts in days.items()}
        labels = [f"{day}: {percent(of_day.value)}" for day, of_day in daily.items()]
        chart = column_chart([of_day.value for of_day in daily.values()], labels)
        figures.append(
            Figure(
                RATE_TITLES[name],
                percent(rate.value),
                interval(rate),
                percent(former.value),
                _differ(rate, former),
                chart,
            )
        )
    return figures


def _rows(by: str, before: date, since: date, today: date) -> list[Row]:
    """Return what came of the lists by one of their properties, the most frequent first."""
    then = insights.read_groups(before, since - timedelta(days=1), by)
    groups = {value: counts for value, counts in insights.read_groups(since, today, by).items() if value}
    rates = {value: ratio(counts, *RATES["click_through"]) for value, counts in groups.items()}
    top = max((rate.value or 0 for rate in rates.values()), default=0) or 1

    def order(item: tuple[str, Mapping[str, int]]) -> tuple[int, int]:
        return (int(item[0]), 0) if by == "position" else (0, -item[1]["lists"])

    return [
        Row(
            str(int(value) + 1) if by == "position" else value.replace("_", " "),
            f"{counts['lists']:,}",
            f"{counts['impressions']:,}",
            f"{counts['clicks']:,}",
            percent(rates[value].value),
            interval(rates[value]),
            percent(ratio(then.get(value, {}), *RATES["click_through"]).value),
            share_bar((rates[value].value or 0) / top),
        )
        for value, counts in sorted(groups.items(), key=order)[:MAX_ROWS]
    ]


def _differ(one: Rate, other: Rate) -> bool:
    """Say whether both have intervals that do not meet."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return False
    return one.low > other.high or other.low > one.high


def percent(value: float | None) -> str:
    """Return a share as a text."""
    return "-" if value is None else f"{value:.2%}"


def interval(rate: Rate) -> str:
    """Return a rate's interval as a text; empty where it has none."""
    return "" if rate.low is None or rate.high is None else f"{rate.low:.2%} to {rate.high:.2%}"
