"""GET /popular, /trending and /latest: lists for everyone, without what a viewer has seen."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.fields import TitleLanguageField
from recommender.api.base_view import ApiView
from recommender.api.fields import JsonBoolean, QueryMovieIds, Timestamp, TopK, UserId, UserIdAnswer
from recommender.api.list_requests import (
    AudienceFields,
    DetailsField,
    FilterFields,
    SeenFields,
    TitlesField,
    sent_viewer,
    to_filters,
    to_request,
)
from recommender.api.list_responses import (
    EmptyListSerializer,
    FiltersAppliedSerializer,
    LanguageFields,
    ListInfoFields,
    NextPageFields,
    TitledMovieSerializer,
    filtered_list_body,
)
from recommender.api.lists.pages import PagedFields
from recommender.api.openapi.operations import operation
from recommender.models import ServedList
from recommender.serving.chart import recommend_chart
from recommender.serving.request import ChartName


class ChartQuerySerializer(PagedFields, FilterFields, AudienceFields, SeenFields):
    user_id = UserId(required=False)
    top_k = TopK(20, help_text="How many films at most.")
    exclude = QueryMovieIds(default=list, help_text="Films that must not be listed, separated by commas.")
    titles = TitlesField()
    details = DetailsField()
    language = TitleLanguageField()


class PopularQuerySerializer(ChartQuerySerializer):
    list_name = "popular"


class LatestQuerySerializer(ChartQuerySerializer):
    list_name = "latest"


class TrendingQuerySerializer(ChartQuerySerializer):
    list_name = "trending"

    personal = JsonBoolean(
        default=False, help_text="Mix the trend with the taste of the viewer, where user_id names one."
    )
    at = Timestamp(required=False, help_text="The request time, which the model uses where personal is true.")


class ChartAnswerSerializer(NextPageFields, ListInfoFields, EmptyListSerializer, LanguageFields):
    user_id = UserIdAnswer(allow_null=True)
    recommendations = TitledMovieSerializer(many=True)
    source = serializers.ChoiceField(  # type: ignore[assignment]
        ["popular", "trending", "trending_for_you", "latest"], help_text="How the list came about."
    )
    filters_applied = FiltersAppliedSerializer()


class ChartView(ApiView):
    """A chart by its name."""

    allow_viewer_token = True

    def respond(self, name: ChartName) -> Response:
        """Answer with the chart, filtered as the query says."""
        values = self.validated
        list_request = to_request(values, filters=to_filters(values))
        answer = recommend_chart(list_request, name, personal=values.get("personal", False))
        return Response(filtered_list_body(sent_viewer(values), answer, list_request.filters))


def chart_operation(name: str, summary: str, query: type[ChartQuerySerializer], description: str) -> Any:
    """Describe the call of a chart in the schema."""
    return operation(name, summary, ChartAnswerSerializer, parameters=[query], description=description)


class PopularView(ChartView):
    """Serve GET /popular."""

    surface = ServedList.Surface.POPULAR

    @chart_operation(
        "popular", "What everyone watches.", PopularQuerySerializer, "A watch counts half after every 180 days."
    )
    def get(self, request: Request) -> Response:
        """List the movies that are watched most."""
        return self.respond("popular")


class TrendingView(ChartView):
    """Serve GET /trending."""

    surface = ServedList.Surface.TRENDING

    @chart_operation(
        "trending",
        "What is watched more than usual lately.",
        TrendingQuerySerializer,
        "Only films that are, so the list may be shorter than `top_k`. The recent window ends where the data ends: "
        "imported events of years ago have a trend too. With `personal=true` it is mixed with the viewer's taste: the "
        "mean of 61 / (61 + place) in the trend and in the model's ranking; `source` is then `trending_for_you`.",
    )
    def get(self, request: Request) -> Response:
        """List the movies that are watched more than usual."""
        return self.respond("trending")


class LatestView(ChartView):
    """Serve GET /latest."""

    surface = ServedList.Surface.LATEST

    @chart_operation(
        "latest",
        "The newest films that can be watched now.",
        LatestQuerySerializer,
        "By the day since which they can be watched here, then by their year.",
    )
    def get(self, request: Request) -> Response:
        """List the newest movies."""
        return self.respond("latest")
