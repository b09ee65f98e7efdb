"""GET /home: a page of rows in one call."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api import present, schema
from recommender.api.answers import Explained, FiltersApplied
from recommender.api.fields import FewFilmIds, Moment, Whole
from recommender.api.queries import filters, query
from recommender.api.serializers import AgeLimited, Filtering, UserId
from recommender.api.views import ApiView
from recommender.serving.home import Page, Shown, home
from recommender.serving.query import Filters

MAX_ROWS, MAX_ROW_LENGTH = 20, 50
ROW_SOURCES = ["cache", "model", "similar", "content", "popular", "trending", "trending_for_you", "latest"]


class HomeQuery(Filtering, AgeLimited):
    user_id = UserId(required=False)
    rows = Whole(default=8, min_value=1, max_value=MAX_ROWS, help_text="How many rows at most.")
    row_length = Whole(default=12, min_value=1, max_value=MAX_ROW_LENGTH, help_text="How many films a row at most.")
    at = Moment(required=False, help_text="The moment asked for, which the model uses for the gaps between watches.")
    exclude = FewFilmIds(default=list, help_text="Films that must not be listed, separated by commas.")


class HomeFilm(serializers.Serializer):
    movie_id = serializers.CharField()
    title = serializers.CharField(allow_null=True)
    genres = serializers.ListField(child=serializers.CharField())
    year = serializers.IntegerField(allow_null=True)
    poster_url = serializers.CharField()


class HomeRow(serializers.Serializer):
    key = serializers.CharField(help_text="The kind and, where it is about something, that: once on a page.")
    kind = serializers.CharField(help_text="What the row is; to translate its title by.")
    about = serializers.CharField(help_text="The film id, genre or name that the title speaks of, or nothing.")
    title = serializers.CharField(help_text="In English.")
    reason = serializers.CharField(help_text="Why it is on this page, in English.")
    source = serializers.ChoiceField(ROW_SOURCES, help_text="How the row came about.")  # type: ignore[assignment]
    recommendation_id = serializers.CharField(help_text="Send it along with impressions and clicks.")
    films = HomeFilm(many=True)


class HomeAnswer(Explained):
    user_id = serializers.IntegerField(allow_null=True)
    rows = HomeRow(many=True)
    model_version = serializers.CharField(allow_null=True)
    is_known_user = serializers.BooleanField()
    degraded = serializers.BooleanField(help_text="A part is down; the rows are right, they only cost more.")
    filters_applied = FiltersApplied()


class HomeView(ApiView):
    opens_to_viewers = True

    @schema.call(
        "home",
        "A page of rows with a reason each and no film twice.",
        HomeAnswer,
        parameters=[HomeQuery],
        description="Top picks first, then the rows by the mean score that the model gives their first films. Without "
        "a viewer, or for one without a history: what everyone watches.",
    )
    def get(self, request: Request) -> Response:
        values = self.asked
        asked = query({**values, "top_k": values["row_length"]}, filters=filters(values))
        return Response(page(asked.user_id, home(asked, values["rows"], values["row_length"]), asked.filters))


def page(user_id: int | None, found: Page, asked: Filters) -> dict[str, Any]:
    body = {
        "user_id": user_id,
        "rows": [_row(one, found) for one in found.rows],
        "model_version": found.model_version,
        "is_known_user": found.is_known_user,
        "degraded": found.degraded,
        "filters_applied": asked.given(),
    }
    if found.unknown_names:
        body["unknown_names"] = found.unknown_names
    return body | {"reason": found.reason} if found.reason else body


def _row(shown: Shown, found: Page) -> dict[str, Any]:
    row = shown.row
    return {
        "key": row.key,
        "kind": row.kind,
        "about": row.about,
        "title": row.title,
        "reason": row.reason,
        "source": row.source,
        "recommendation_id": shown.recommendation_id,
        "films": [present.card(movie_id, found.cards) for movie_id in shown.movie_ids],
    }
