"""GET /insights: what came of the lists that clients got."""

from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.strict import StrictSerializer
from infrastructure.read_replica import read_from_replica
from recommender.api.base_view import ApiView
from recommender.api.openapi.operations import operation
from recommender.models import ApiKey
from recommender.outcomes import insights
from recommender.serving import metrics

DEFAULT_DAYS = 7
MAX_DAYS = 400
LOG_COUNTERS = tuple(f"{log}_{fate}" for log in ("lists", "outcomes") for fate in ("sent", "stored", "dropped"))


class InsightsQuerySerializer(StrictSerializer):
    since = serializers.DateField(required=False, help_text="The first day of the lists, UTC; default: six days ago.")
    until = serializers.DateField(required=False, help_text="The last day; default: today.")
    by = serializers.ChoiceField(
        insights.DIMENSIONS,
        default="all",
        help_text="What the lists are grouped by: the call, a home row's kind, how they came about, the model, the arm "
        "of an experiment, new and returning viewers, the place of the film, or the day.",
    )

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values with both days. Raises ValidationError for a span that is empty or too long."""
        until = values.setdefault("until", timezone.now().date())
        since = values.setdefault("since", until - min(timedelta(days=DEFAULT_DAYS - 1), until - date.min))
        if since > until:
            raise serializers.ValidationError({"since": f"is after until, {until}."})
        if (until - since).days >= MAX_DAYS:
            raise serializers.ValidationError({"since": f"is too early: {MAX_DAYS} days at most in one answer."})
        return values


class RateSerializer(serializers.Serializer):
    value = serializers.FloatField(allow_null=True, help_text="Null: nothing to divide by.")
    low = serializers.FloatField(allow_null=True, help_text="The 95 % interval; null with fewer than two viewers.")
    high = serializers.FloatField(allow_null=True)


class InsightSerializer(serializers.Serializer):
    value = serializers.CharField(help_text="Of the dimension; empty: none, or all.")
    viewer_days = serializers.IntegerField(help_text="Viewers of each day, added up: the units of the intervals.")
    lists = serializers.IntegerField()
    impressions = serializers.IntegerField(help_text="Each film once a list, as all of these.")
    clicks = serializers.IntegerField()
    plays = serializers.IntegerField()
    completions = serializers.IntegerField()
    likes = serializers.IntegerField()
    ratings = serializers.IntegerField()
    watchlist = serializers.IntegerField()
    rejections = serializers.IntegerField(help_text="Not interested, and dislikes.")
    lists_without_outcome = serializers.FloatField(allow_null=True, help_text="Their share.")
    click_through = RateSerializer(help_text="Clicks for each impression.")
    play_rate = RateSerializer(help_text="Plays for each impression.")
    watch_through = RateSerializer(help_text="Films watched to the end for each play.")
    rejection_rate = RateSerializer(help_text="Rejections for each impression.")


class InsightsAnswerSerializer(serializers.Serializer):
    since = serializers.DateField()
    until = serializers.DateField()
    by = serializers.CharField()
    groups = InsightSerializer(many=True)
    coverage = serializers.FloatField(
        allow_null=True, help_text="Share of the films that a day's lists had, in the mean."
    )
    new_films = serializers.FloatField(allow_null=True, help_text="Share of places that films of the last 30 days had.")
    novelty = serializers.FloatField(
        allow_null=True,
        help_text="How little known the films were: the mean of -log2 of a film's share of all watches, in bits.",
    )
    not_attributed = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Outcomes that no list is known for, by reason and kind, on the days when they came.",
    )
    log = serializers.DictField(child=serializers.IntegerField(), help_text="Records of the last 24 hours, by fate.")


class InsightsView(ApiView):
    """Serve GET /insights."""

    required_scope = ApiKey.Scope.INSIGHTS
    throttle_scope = "batch"

    @operation(
        "insights",
        "What came of the lists that clients got.",
        InsightsAnswerSerializer,
        parameters=[InsightsQuerySerializer],
        description="By the day of the list. Sums are made every five minutes; what came late is added in the night. "
        "Viewers who click faster than people do are left out.",
    )
    def get(self, request: Request) -> Response:
        """Return the sums of the days with rates and intervals."""
        since, until, by = (self.validated[name] for name in ("since", "until", "by"))
        with read_from_replica():
            groups = insights.read_groups(since, until, by)
            shown, lost = insights.read_shown(since, until), insights.read_lost(since, until)
        totals = metrics.merge_buckets(metrics.read_buckets(3_600, 24))
        return Response(
            {
                "since": since,
                "until": until,
                "by": by,
                "groups": [insights.describe_group(value, counts) for value, counts in groups.items()],
                **shown,
                "not_attributed": lost,
                "log": {name: totals[name] for name in LOG_COUNTERS},
            }
        )
