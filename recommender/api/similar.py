"""POST /similar and GET /similar/{id}: movies like a movie."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.http import Http404, HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.fields import TitleLanguageField
from catalog.api.strict import QueryValidationError
from catalog.names.languages import NO_WISH
from catalog.selectors import DetailedCard, MovieCard
from recommender import viewer_keys
from recommender.api.base_view import ApiView
from recommender.api.fields import MovieId, TopK, UserId
from recommender.api.http import conditional_get
from recommender.api.http.kept_answers import TriedOn
from recommender.api.list_requests import AudienceFields, DetailsField, SeenFields, TitlesField, effective_age_limit
from recommender.api.list_responses import LanguageFields, MovieDetailFields, NextPageFields, movie_card
from recommender.api.lists.pages import NO_CURSOR, PagedFields
from recommender.api.openapi.operations import operation
from recommender.models import Experiment, ServedList
from recommender.movies.movie_ids import movie_id_texts, parse_movie_id
from recommender.serving.current_versions import ListRead
from recommender.serving.paging.page import Page, about
from recommender.serving.paging.tokens import CursorInvalid
from recommender.serving.similar import MovieNotFound, SimilarMovies, find_similar

NOBODY_TRIED_ON: TriedOn = (None, Experiment.Surface.LISTS)  # no experiment is about these lists


class SimilarRequestSerializer(PagedFields, AudienceFields, SeenFields):
    list_name = "similar"

    movie_id = MovieId()
    user_id = UserId(required=False)
    top_k = TopK(20)
    titles = TitlesField()
    details = DetailsField()
    language = TitleLanguageField()


class NeighbourSerializer(MovieDetailFields):
    movie_id = serializers.CharField()
    title = serializers.CharField(required=False, allow_null=True)
    genres = serializers.ListField(child=serializers.CharField(), required=False)
    year = serializers.IntegerField(required=False, allow_null=True)
    poster_url = serializers.CharField(required=False)
    similarity = serializers.FloatField(min_value=0, max_value=1)


class SimilarAnswerSerializer(NextPageFields, LanguageFields):
    movie_id = serializers.CharField()
    similar = NeighbourSerializer(many=True)
    source = serializers.ChoiceField(  # type: ignore[assignment]
        ["model", "content", "popular"],
        help_text="By content and by what the model learned, or by content alone; under overload what is popular.",
    )
    model_version = serializers.CharField(allow_null=True)
    recommendation_id = serializers.CharField()
    degraded = serializers.BooleanField()
    removed = serializers.DictField(child=serializers.IntegerField(), help_text="As for a list.")
    ignored_history = serializers.ListField(child=serializers.CharField())


class SimilarQuerySerializer(PagedFields, AudienceFields, SeenFields):
    list_name = "similar_to"

    user_id = UserId(required=False)
    top_k = TopK(20)
    titles = TitlesField()
    details = DetailsField()
    language = TitleLanguageField()


class SimilarView(ApiView):
    """Serve POST /similar."""

    surface = ServedList.Surface.SIMILAR
    allow_viewer_token = True
    begins_with_list = True

    @operation(
        "similar",
        "Films like a film.",
        SimilarAnswerSerializer,
        request=SimilarRequestSerializer,
        example={"movie_id": "1", "top_k": 20},
    )
    def post(self, request: Request) -> Response:
        """List the movies that are most like a movie."""
        movie_id, page = self.validated["movie_id"], self.validated["page"]
        return Response(_body(movie_id, _find(movie_id, self.validated, page, self.list_read)))


class SimilarToView(ApiView):
    """Serve GET /similar/{id}."""

    surface = ServedList.Surface.SIMILAR
    allow_viewer_token = True
    begins_with_list = True
    keeps_answers = True

    @operation(
        "similar_to",
        "Films like a film, for caches: what POST /similar answers.",
        SimilarAnswerSerializer,
        parameters=[SimilarQuerySerializer],
        description="Without a viewer the answer is the same for everyone: a shared cache may keep it. It has an ETag.",
    )
    def get(self, request: Request, movie_id: str) -> HttpResponse:
        """List the movies that are most like the one in the address."""
        if self.kept is not None:
            return self.kept.respond(request._request)
        try:
            page = about(self.validated["page"], movie_id)
        except CursorInvalid:
            raise QueryValidationError({"cursor": [NO_CURSOR]}) from None
        answer = _find(movie_id, self.validated, page, self.list_read)
        response = Response(_body(movie_id, answer))
        if "user_id" not in self.validated:
            self.keep_answer(answer, NOBODY_TRIED_ON)
            response.headers["Cache-Control"] = conditional_get.shared_cache_control()
        return response


def _find(movie_id: str, values: Mapping[str, Any], page: Page, list_read: ListRead | None) -> SimilarMovies:
    """Find the movies like this one. Raises Http404."""
    viewer = values["user_id"].key if "user_id" in values else None
    try:
        return find_similar(
            parse_movie_id(movie_id),
            values["top_k"],
            effective_age_limit(values),
            viewer_keys.viewer_id(viewer) if viewer is not None else None,
            viewer_key=viewer,
            country=values.get("country", ""),
            seen=values["seen"],
            titles=values["titles"] or values["details"],
            details=values["details"],
            title_languages=values.get("title_languages", NO_WISH),
            page=page,
            list_read=list_read,
        )
    except MovieNotFound:
        raise Http404(f"The catalogue has no film {movie_id}.") from None


def _body(movie_id: str, answer: SimilarMovies) -> dict[str, Any]:
    """Return the answer as the JSON of the API."""
    cards = _cards(answer.movie_ids, answer.movie_cards)
    return {
        "movie_id": movie_id,
        "similar": [
            {**card, "similarity": similarity} for card, similarity in zip(cards, answer.similarities, strict=True)
        ],
        "source": answer.source,
        "model_version": answer.model_version,
        "recommendation_id": answer.recommendation_id,
        "degraded": answer.degraded,
        "removed": answer.removal_counts,
        "ignored_history": [],
        "next": answer.next_cursor,
        **({"language": answer.language} if answer.language else {}),
    }


def _cards(
    movie_ids: Sequence[int], cards: Mapping[int, MovieCard | DetailedCard] | None
) -> Iterable[Mapping[str, Any]]:
    if cards is None:
        return ({"movie_id": text} for text in movie_id_texts(movie_ids))
    return (movie_card(movie_id, cards) for movie_id in movie_ids)
