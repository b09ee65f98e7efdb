"""The catalogue as visitors see it, and as those who keep it change it: validate, one call, respond."""

from typing import Any

from django.http import Http404
from django.utils.cache import patch_vary_headers
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.ages import ForAge, age_limit
from catalog.api.film_values import MovieValues, NewMovie
from catalog.api.paging import page
from catalog.api.scopes import READ, Scoped
from catalog.api.serializers import (
    GenresSerializer,
    MovieDetailsSerializer,
    MoviePageSerializer,
    MovieQuery,
    MoviesQuery,
    PageQuery,
    PeoplePageSerializer,
)
from catalog.api.strict import StrictView, operation
from catalog.selectors import (
    MovieCard,
    MovieDetails,
    any_movie,
    genre_list,
    movie_named,
    movies_page,
    people_page,
    shown_movie,
)
from catalog.services import MovieChange, MovieWritten, Problem, Write, write_movies

_PROBLEMS = {("default", "application/problem+json"): OpenApiTypes.OBJECT}
_EXAMPLE = {"title": "Perfect Days", "year": 2023, "genres": ["Drama"], "directors": ["Wim Wenders"]}


class Conflict(APIException):
    status_code = 409
    default_code = "conflict"


class CatalogueView(Scoped, StrictView):
    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        # An edit is true on the next read: a copy may be kept only to be asked about. urls.py adds the ETag.
        kept = request.method == "GET" and response.status_code == 200 and self.required_scope == READ
        response.headers["Cache-Control"] = "private, no-cache" if kept else "private, no-store"
        patch_vary_headers(response, ["Authorization"])
        return super().finalize_response(request, response, *args, **kwargs)


class MoviesView(CatalogueView):
    @operation(
        operation_id="movies",
        summary="The films that are shown now, a page at a time: by id, or by how well they fit a search.",
        tags=["movies"],
        parameters=[MoviesQuery],
        responses={200: MoviePageSerializer, **_PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        found = movies_page(MoviesQuery.filter(self.asked), self.asked["cursor"], self.asked["page_size"])
        return page(request, [_card(card) for card in found.movies], found.next)

    @operation(
        operation_id="movies_create",
        summary="A new film; it is in lists on the next read. Scope catalog:write.",
        tags=["movies"],
        request=NewMovie,
        responses={201: MovieDetailsSerializer, **_PROBLEMS},
        examples=[OpenApiExample("movies_create", value=_EXAMPLE, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        values = dict(self.asked)
        movie_id = _written(MovieChange(values.pop("movie_id", None), values, Write.CREATE))
        return Response(_details(movie_id), status=201, headers={"Location": f"/movies/{movie_id}"})


class MovieView(CatalogueView):
    @operation(
        operation_id="movie",
        summary="One film with its people. With published=any, and the scope catalog:write, a hidden one too.",
        tags=["movies"],
        parameters=[MovieQuery],
        responses={200: MovieDetailsSerializer, **_PROBLEMS},
    )
    def get(self, request: Request, movie_id: str) -> Response:
        number = movie_named(movie_id)
        find = shown_movie if self.required_scope == READ else any_movie
        movie = find(number, age_limit(self.asked)) if number else None
        if movie is None:
            raise Http404(f"The catalogue has no film {movie_id}.")
        return Response(_told(movie))

    @operation(
        operation_id="movies_update",
        summary="Changes what is named and leaves the rest; published: false hides the film. Scope catalog:write.",
        tags=["movies"],
        request=MovieValues(partial=True),
        responses={200: MovieDetailsSerializer, **_PROBLEMS},
        examples=[OpenApiExample("movies_update", value={"runtime": 81}, request_only=True)],
    )
    def patch(self, request: Request, movie_id: str) -> Response:
        number = movie_named(movie_id)
        if not number:
            raise Http404(f"The catalogue has no film {movie_id}.")
        return Response(_details(_written(MovieChange(number, self.asked, Write.UPDATE))))


class PeopleView(CatalogueView):
    @operation(
        operation_id="people",
        summary="Directors and actors, a page at a time.",
        tags=["movies"],
        parameters=[PageQuery],
        responses={200: PeoplePageSerializer, **_PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        asked = self.asked
        limit = age_limit(asked)
        people, following = people_page(asked["cursor"].after, asked["page_size"], asked["search"], limit)
        return page(request, [one._asdict() for one in people], following)


class GenresView(CatalogueView):
    @operation(
        operation_id="genres",
        summary="All genres, with how many films that are shown.",
        tags=["movies"],
        parameters=[ForAge],
        responses={200: GenresSerializer, **_PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        return Response({"results": [one._asdict() for one in genre_list(age_limit(self.asked))]})


def _written(change: MovieChange) -> int:
    """The film's id. Raises what the client is told where nothing was written."""
    [written] = write_movies([change])
    if written.problem is None and written.movie_id is not None:
        return written.movie_id
    raise _refusal(written)


def _refusal(written: MovieWritten) -> Exception:
    if written.problem is Problem.UNKNOWN:
        return Http404(written.reason)
    if written.problem is Problem.THERE_ALREADY:
        return Conflict(written.reason)
    field, _, words = written.reason.partition(": ")
    return ValidationError({field: [words]})


def _details(movie_id: int) -> dict[str, Any]:
    movie = any_movie(movie_id)
    if movie is None:
        raise Http404(f"The catalogue has no film {movie_id}.")
    return _told(movie)


def _told(movie: MovieDetails) -> dict[str, Any]:
    return _card(movie.card) | {name: value for name, value in movie._asdict().items() if name != "card"}


def _card(card: MovieCard) -> dict[str, Any]:
    return card._asdict() | {"movie_id": str(card.movie_id)}
