"""/recommend and /recommend/filtered: a list for a viewer, for a group, or for a history that is sent."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.fields import TitleLanguageField
from recommender.api.base_view import ApiView
from recommender.api.fields import HistoryIds, Names, QueryMovieIds, TopK, UserId, UserIdAnswer, ViewerIds
from recommender.api.list_requests import (
    DetailsField,
    FilterFields,
    ListRequestSerializer,
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
    list_body,
)
from recommender.api.lists.pages import PagedFields
from recommender.api.openapi.operations import EXAMPLE_HISTORY, operation
from recommender.models import Experiment, ServedList
from recommender.serving.pipeline import recommend
from recommender.serving.request import RecommendRequest

LIKED_GENRES_HELP = "For a viewer whose taste is not known yet: popular films, those with more of these genres first."
SINGLE_VIEWER_FIELDS = ("user_id", "history")  # of a request for one viewer
# What /recommend does not do; another call does.
FILTER_HINTS = dict.fromkeys((*FilterFields().fields, "final_k"), "POST /recommend/filtered takes it.")


class RecommendQuerySerializer(PagedFields, ListRequestSerializer):
    list_name = "recommend"
    hints = {**FILTER_HINTS, **dict.fromkeys(("history", "user_ids"), "POST /recommend takes it.")}

    user_id = UserId()
    liked_genres = Names(default=list, help_text=LIKED_GENRES_HELP)
    exclude = QueryMovieIds(default=list, help_text="Films that must not be listed, separated by commas.")
    titles = TitlesField()
    details = DetailsField()
    language = TitleLanguageField()


class RecommendRequestSerializer(PagedFields, ListRequestSerializer):
    list_name = "recommend"
    hints = FILTER_HINTS

    user_id = UserId(required=False)
    user_ids = ViewerIds(required=False)
    titles = TitlesField()
    details = DetailsField()
    language = TitleLanguageField()
    liked_genres = Names(default=list, help_text=LIKED_GENRES_HELP)
    history = HistoryIds(default=list, help_text="Film ids, oldest first, in place of the viewer's own history.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values. Raises ValidationError unless they name a viewer, a group, a history or liked genres."""
        if "user_ids" in values:
            errors = {name: "cannot stand beside user_ids." for name in SINGLE_VIEWER_FIELDS if values.get(name)}
            if values["seen"] != "exclude":
                errors["seen"] = "cannot stand beside user_ids: nobody learns what another has seen."
            if errors:
                raise serializers.ValidationError(errors)
        elif "user_id" not in values and not values["history"] and not values["liked_genres"]:
            raise serializers.ValidationError({"user_id": "is needed where no history and no liked_genres are sent."})
        return values


class FilteredRequestSerializer(FilterFields, RecommendRequestSerializer):
    list_name = "recommend/filtered"
    hints = {}

    titles = TitlesField(default=True)
    top_k = TopK(50, help_text="The pool of films that satisfy the filters.")
    final_k = TopK(20, help_text="How many of the pool are returned.")


class RecommendRequestExtension(OpenApiSerializerExtension):
    """Describe that a request names a viewer, several, a history, or liked genres."""

    target_class = RecommendRequestSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the schema of the body."""
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        non_empty = [
            {"required": [name], "properties": {name: {"type": "array", "minItems": 1}}}
            for name in ("history", "liked_genres")
        ]
        group_schema = {"properties": {"user_id": {"not": {}}, "history": {"type": "array", "maxItems": 0}}}
        return schema | {
            "anyOf": [*({"required": [name]} for name in ("user_id", "user_ids", "cursor")), *non_empty],
            "dependentSchemas": {"user_ids": group_schema},
        }


DRAWN_HELP = "True: the list was drawn by chance from the best films (MOVIEREC_EXPLORATION_SHARE); else left out."


class RecommendAnswerSerializer(NextPageFields, ListInfoFields, EmptyListSerializer, LanguageFields):
    recommendations = TitledMovieSerializer(many=True)
    user_id = UserIdAnswer(allow_null=True)
    user_ids = serializers.ListField(
        child=UserIdAnswer(), required=False, help_text="Who watch together; then user_id is null."
    )
    is_drawn = serializers.BooleanField(required=False, help_text=DRAWN_HELP)


class FilteredAnswerSerializer(RecommendAnswerSerializer):
    filters_applied = FiltersAppliedSerializer()


class RecommendView(ApiView):
    """Serve GET and POST /recommend."""

    surface = ServedList.Surface.RECOMMEND
    allow_viewer_token = True
    begins_with_list = True
    keeps_answers = True

    @operation(
        "recommend_stored",
        "A viewer's list: the cached one while it is current.",
        RecommendAnswerSerializer,
        parameters=[RecommendQuerySerializer],
    )
    def get(self, request: Request) -> HttpResponse:
        """Recommend movies to a viewer by their stored history."""
        if self.kept is not None:
            return self.kept.respond(request._request)
        list_request = to_request(self.validated)
        answer = recommend(list_request, self.list_read)
        if list_request.model is None:  # a model of an arm may be missing for a while
            self.keep_answer(answer, (list_request.viewer_id, Experiment.Surface.LISTS))
        return Response(list_body(sent_viewer(self.validated), answer))

    @operation(
        "recommend",
        "A list for a viewer, or for a history that comes along.",
        RecommendAnswerSerializer,
        request=RecommendRequestSerializer,
        example={"user_id": 123, "history": EXAMPLE_HISTORY, "top_k": 20},
    )
    def post(self, request: Request) -> Response:
        """Recommend movies to a viewer, to viewers who watch together, or for a history that is sent."""
        list_request = to_request(self.validated)
        body = list_body(sent_viewer(self.validated), recommend(list_request, self.list_read))
        return Response(body | _group_ids(self.validated))


class FilteredView(ApiView):
    """Serve POST /recommend/filtered."""

    surface = ServedList.Surface.FILTERED
    allow_viewer_token = True
    begins_with_list = True

    @operation(
        "recommend_filtered",
        "The best films among those that satisfy the filters.",
        FilteredAnswerSerializer,
        request=FilteredRequestSerializer,
        example={
            "user_id": 123,
            "history": EXAMPLE_HISTORY[:3],
            "genres": ["Action", "Sci-Fi"],
            "min_year": 1970,
            "max_year": 2023,
            "top_k": 50,
            "final_k": 20,
        },
    )
    def post(self, request: Request) -> Response:
        """Recommend movies that satisfy attribute filters."""
        list_request = to_filtered_request(self.validated)
        body = filtered_list_body(
            sent_viewer(self.validated), recommend(list_request, self.list_read), list_request.filters
        )
        return Response(body | _group_ids(self.validated))


def to_filtered_request(values: Mapping[str, Any]) -> RecommendRequest:
    """Return the request to serving for the validated values of POST /recommend/filtered."""
    return to_request(values, final_k=values["final_k"], filters=to_filters(values))


def _group_ids(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"user_ids": [viewer.sent for viewer in values["user_ids"]]} if "user_ids" in values else {}
