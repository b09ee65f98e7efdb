"""GET /home: a page of rows in one call."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.fields import TitleLanguageField
from catalog.selectors import DetailedCard, MovieCard
from recommender.api.base_view import ApiView
from recommender.api.fields import JsonInteger, QueryMovieIds, Timestamp, UserId, UserIdAnswer
from recommender.api.http.json_io import json_bytes
from recommender.api.list_requests import (
    AudienceFields,
    DetailsField,
    FilterFields,
    sent_viewer,
    to_filters,
    to_request,
)
from recommender.api.list_responses import (
    LANGUAGE_HELP,
    EmptyListSerializer,
    FiltersAppliedSerializer,
    MovieDetailFields,
    movie_card,
)
from recommender.api.lists.see_all import SeeAllSerializer, see_all
from recommender.api.openapi.operations import operation
from recommender.models import Experiment, ServedList
from recommender.serving.home.page import build_page
from recommender.serving.home.page_parts import Page, PageRow
from recommender.serving.request import Filters

MAX_ROWS, MAX_ROW_LENGTH = 20, 50
ROW_SOURCES = ["cache", "model", "similar", "content", "popular", "trending", "trending_for_you", "latest", "history"]


class HomeQuerySerializer(FilterFields, AudienceFields):
    hints = {"titles": "titles always come along here."}

    user_id = UserId(required=False)
    rows = JsonInteger(default=8, min_value=1, max_value=MAX_ROWS, help_text="How many rows at most.")
    row_length = JsonInteger(
        default=12, min_value=1, max_value=MAX_ROW_LENGTH, help_text="How many films a row at most."
    )
    at = Timestamp(required=False, help_text="The request time, which the model uses for the gaps between watches.")
    language = TitleLanguageField()
    details = DetailsField()
    exclude = QueryMovieIds(default=list, help_text="Films that must not be listed, separated by commas.")

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the validated values, and as `sent` the values as they came."""
        values = super().to_internal_value(data)
        values["sent"] = dict(data)
        return values


@extend_schema_serializer(component_name="HomeFilm")
class HomeMovieSerializer(MovieDetailFields):
    movie_id = serializers.CharField()
    title = serializers.CharField(allow_null=True)
    genres = serializers.ListField(child=serializers.CharField())
    year = serializers.IntegerField(allow_null=True)
    poster_url = serializers.CharField()
    completion = serializers.FloatField(
        required=False, min_value=0, max_value=1, help_text="In the row continue_watching: how much was watched."
    )


class HomeRowSerializer(serializers.Serializer):
    key = serializers.CharField(help_text="The kind and, where it is about something, that: once on a page.")
    kind = serializers.CharField(help_text="What the row is; to give it a title of one's own by.")
    about = serializers.CharField(help_text="The film id, genre or name that the title speaks of, or nothing.")
    title = serializers.CharField(help_text="In the wished language if it is told in it, else in English.")
    reason = serializers.CharField(help_text="Why it is on this page, likewise.")
    source = serializers.ChoiceField(ROW_SOURCES, help_text="How the row came about.")  # type: ignore[assignment]
    recommendation_id = serializers.CharField(help_text="Send it along with impressions and clicks.")
    films = HomeMovieSerializer(many=True)
    see_all = SeeAllSerializer(allow_null=True, help_text="How the row goes on; null where no call lists the same.")


class HomeAnswerSerializer(EmptyListSerializer):
    user_id = UserIdAnswer(allow_null=True)
    rows = HomeRowSerializer(many=True)
    model_version = serializers.CharField(allow_null=True)
    is_known_user = serializers.BooleanField()
    degraded = serializers.BooleanField(help_text="A part is down, or too much is asked at once: rows may be missing.")
    language = serializers.CharField(help_text=LANGUAGE_HELP)
    filters_applied = FiltersAppliedSerializer()


class HomeView(ApiView):
    """Serve GET /home."""

    surface = ServedList.Surface.HOME
    allow_viewer_token = True
    keeps_answers = True

    @operation(
        "home",
        "A page of rows with a reason each and no film twice.",
        HomeAnswerSerializer,
        parameters=[HomeQuerySerializer],
        description="What the viewer started first, then top picks, then the rows by the mean score of their "
        "first films by the model; what may be watched again is last. Without a viewer, or for one without a history: "
        "what everyone watches.",
    )
    def get(self, request: Request) -> HttpResponse:
        """Return a home page of rows for a viewer, or for everyone."""
        if self.kept is not None:
            return self.kept.respond(request._request)
        values = self.validated
        list_request = to_request({**values, "top_k": values["row_length"]}, filters=to_filters(values))
        page = build_page(list_request, values["rows"], values["row_length"], film_json)
        if list_request.viewer_id is not None or "user_id" not in values:  # else a viewer who is not known yet
            self.keep_answer(page, (list_request.viewer_id, Experiment.Surface.HOME))
        return Response(page_body(sent_viewer(values), page, list_request.filters, values["sent"]))


def page_body(user_id: int | str | None, page: Page, filters: Filters, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the page as the JSON of the API; its films are JSON already. `sent`: its parameters as they came."""
    body = {
        "user_id": user_id,
        "rows": [
            {
                "key": row.key,
                "kind": row.kind,
                "about": row.about,
                "title": row.title,
                "reason": row.reason,
                "source": row.source,
                "recommendation_id": row.recommendation_id,
                "films": _films_json(row, page),
                "see_all": see_all(
                    row.kind, row.about, sent, row.movie_ids, data_set=page.data_set, model=page.model_version
                ),
            }
            for row in page.rows
        ],
        "model_version": page.model_version,
        "is_known_user": page.is_known_viewer,
        "degraded": page.degraded,
        "language": page.language,
        "filters_applied": filters.as_dict(),
    }
    notes = {"reason": page.empty_reason, "unknown_names": page.unknown_names, "suggestions": page.suggestions}
    return body | {name: value for name, value in notes.items() if value}


def film_json(card: MovieCard | DetailedCard) -> bytes:
    """Return a film as a row shows it, as JSON."""
    return json_bytes(movie_card(card.movie_id, {card.movie_id: card}))


def _films_json(row: PageRow, page: Page) -> orjson.Fragment:
    films = [
        page.films[movie_id].shown if movie_id in page.films else json_bytes(movie_card(movie_id, {}))
        for movie_id in row.movie_ids
    ]
    if row.kind == "continue_watching":
        completions = [page.completions[movie_id] for movie_id in row.movie_ids]
        films = [
            b'%b,"completion":%b}' % (film[:-1], json_bytes(n)) for film, n in zip(films, completions, strict=True)
        ]
    return orjson.Fragment(b"[%b]" % b",".join(films))
