"""The catalogue as visitors see it: validate, one selector, respond."""

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from catalog.api.serializers import LARGEST_ID, MovieDetailsSerializer, MoviePageSerializer, MoviesQuery
from catalog.selectors import MovieCard, movies_page, shown_movie

_PROBLEMS = {("default", "application/problem+json"): OpenApiTypes.OBJECT}


class MoviesView(APIView):
    @extend_schema(
        operation_id="movies",
        summary="The films that are shown now, a page at a time, by id.",
        tags=["movies"],
        parameters=[MoviesQuery],
        responses={200: MoviePageSerializer, **_PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        query = MoviesQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        page = movies_page(asked["cursor"], asked["page_size"], asked["search"], asked["genre"])
        following = None
        if page.next_after is not None:
            following = replace_query_param(request.build_absolute_uri(), "cursor", page.next_after)
        return Response({"results": [_card(card) for card in page.movies], "next": following})


class MovieView(APIView):
    @extend_schema(
        operation_id="movie",
        summary="One film with its people.",
        tags=["movies"],
        responses={200: MovieDetailsSerializer, **_PROBLEMS},
    )
    def get(self, request: Request, movie_id: int) -> Response:
        movie = shown_movie(movie_id) if movie_id <= LARGEST_ID else None
        if movie is None:
            raise Http404(f"The catalogue has no film {movie_id}.")
        return Response(_card(movie.card) | {name: value for name, value in movie._asdict().items() if name != "card"})


def _card(card: MovieCard) -> dict[str, Any]:
    return card._asdict() | {"movie_id": str(card.movie_id)}
