"""GET /home: a page of rows in one call."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api import present
from recommender.api.base_view import ApiView
from recommender.api.fields import QueryMovieIds, StrictInteger, Timestamp
from recommender.api.list_requests import AgeLimitFields, FilterFields, UserId
from recommender.api.list_responses import EmptyListSerializer, FiltersAppliedSerializer
from recommender.api.openapi import operations
from recommender.api.queries import to_filters, to_request
from recommender.serving.home.page import Page, RenderedRow, build_page
from recommender.serving.request import Filters

MAX_ROWS, MAX_ROW_LENGTH = 20, 50
ROW_SOURCES = ["cache", "model", "similar", "content", "popular", "trending", "trending_for_you", "latest"]


class HomeQuerySerializer(FilterFields, AgeLimitFields):
    user_id = UserId(required=False)
    rows = StrictInteger(default=8, min_value=1, max_value=MAX_ROWS, help_text="How many rows at most.")
    row_length = StrictInteger(
        default=12, min_value=1, max_value=MAX_ROW_LENGTH, help_text="How many films a row at most."
    )
    at = Timestamp(required=False, help_text="The moment asked for, which the model uses for the gaps between watches.")
    exclude = QueryMovieIds(default=list, help_text="Films that must not be listed, separated by commas.")


class HomeFilmSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    title = serializers.CharField(allow_null=True)
    genres = serializers.ListField(child=serializers.CharField())
    year = serializers.IntegerField(allow_null=True)
    poster_url = serializers.CharField()


class HomeRowSerializer(serializers.Serializer):
    key = serializers.CharField(help_text="The kind and, where it is about something, that: once on a page.")
    kind = serializers.CharField(help_text="What the row is; to translate its title by.")
    about = serializers.CharField(help_text="The film id, genre or name that the title speaks of, or nothing.")
    title = serializers.CharField(help_text="In English.")
    reason = serializers.CharField(help_text="Why it is on this page, in English.")
    source = serializers.ChoiceField(ROW_SOURCES, help_text="How the row came about.")  # type: ignore[assignment]
    recommendation_id = serializers.CharField(help_text="Send it along with impressions and clicks.")
    films = HomeFilmSerializer(many=True)


class HomeAnswerSerializer(EmptyListSerializer):
    user_id = serializers.IntegerField(allow_null=True)
    rows = HomeRowSerializer(many=True)
    model_version = serializers.CharField(allow_null=True)
    is_known_user = serializers.BooleanField()
    degraded = serializers.BooleanField(help_text="A part is down; the rows are right, they only cost more.")
    filters_applied = FiltersAppliedSerializer()


class HomeView(ApiView):
    allow_viewer_token = True

    @operations.operation(
        "home",
        "A page of rows with a reason each and no film twice.",
        HomeAnswerSerializer,
        parameters=[HomeQuerySerializer],
        description="Top picks first, then the rows by the mean score that the model gives their first films. Without "
        "a viewer, or for one without a history: what everyone watches.",
    )
    def get(self, request: Request) -> Response:
        values = self.validated
        asked = to_request({**values, "top_k": values["row_length"]}, filters=to_filters(values))
        return Response(
            page_body(asked.viewer_id, build_page(asked, values["rows"], values["row_length"]), asked.filters)
        )


def page_body(user_id: int | None, found: Page, asked: Filters) -> dict[str, Any]:
    body = {
        "user_id": user_id,
        "rows": [_row_body(one, found) for one in found.rows],
        "model_version": found.model_version,
        "is_known_user": found.is_known_viewer,
        "degraded": found.degraded,
        "filters_applied": asked.as_dict(),
    }
    if found.unknown_names:
        body["unknown_names"] = found.unknown_names
    return body | {"reason": found.empty_reason} if found.empty_reason else body


def _row_body(shown: RenderedRow, found: Page) -> dict[str, Any]:
    row = shown.row
    return {
        "key": row.key,
        "kind": row.kind,
        "about": row.about,
        "title": row.title,
        "reason": row.reason,
        "source": row.source,
        "recommendation_id": shown.recommendation_id,
        "films": [present.movie_card(movie_id, found.movie_cards) for movie_id in shown.movie_ids],
    }
