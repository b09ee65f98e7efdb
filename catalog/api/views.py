"""The catalogue over HTTP, for visitors to read and for its keepers to change: validate, one call, respond."""

from typing import Any
from urllib.parse import quote

from django.http import Http404
from django.utils.cache import patch_vary_headers
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.age_limits import audience_of
from catalog.api.local_fields import window_values
from catalog.api.paging import page_response
from catalog.api.scopes import READ_SCOPE, WRITE_SCOPE, CatalogueScopes
from catalog.api.serializers import (
    CatalogueReportSerializer,
    GenresQuery,
    GenresSerializer,
    MovieChangeBody,
    MovieDetailsSerializer,
    MoviePageSerializer,
    MovieQuery,
    MoviesQuery,
    NewMovieBody,
    PageQuery,
    PeoplePageSerializer,
)
from catalog.api.strict import StrictView, operation
from catalog.api.title_languages import TitleLanguages, title_languages
from catalog.selectors import (
    Audience,
    MovieDetails,
    catalogue_report,
    count_facets,
    genre_list,
    movie_details,
    movie_keys,
    movies_by_ids,
    movies_page,
    people_page,
    resolve_movie_id,
    sorted_movies_page,
    visible_movie_details,
)
from catalog.services import MovieChange, WriteMode, WriteProblem, write_movies

MAX_COUNTED_EVENTS = 5_000_000  # a second's reading; manage.py catalogue_report counts more
_PROBLEMS = {("default", "application/problem+json"): OpenApiTypes.OBJECT}
_EXAMPLE = {"title": "Perfect Days", "year": 2023, "genres": ["Drama"], "directors": ["Wim Wenders"]}


class Conflict(APIException):
    """The movie exists already, or another movie has one of its ids."""

    status_code = 409
    default_code = "conflict"


class CatalogueView(CatalogueScopes, StrictView):
    """A call of the catalogue; only reads of what is visible may be kept as a copy."""

    languages: TitleLanguages | None = None  # of an answer with titles or genres

    def read_audience(self) -> tuple[Audience, TitleLanguages]:
        """Return for whom the call reads, and in which languages titles are looked for."""
        audience = audience_of(self.validated)
        self.languages = title_languages(self.validated, audience.language)
        return audience, self.languages

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        # An edit is true on the next read: a copy has to be validated each time. urls.py adds the ETag.
        may_be_kept = request.method == "GET" and response.status_code == 200 and self.required_scope == READ_SCOPE
        response.headers["Cache-Control"] = "private, no-cache" if may_be_kept else "private, no-store"
        if self.languages is not None and response.status_code < 300:
            response.headers["Content-Language"] = self.languages.language
            patch_vary_headers(response, ["Accept-Language"])
        patch_vary_headers(response, ["Authorization"])
        return super().finalize_response(request, response, *args, **kwargs)


class MoviesView(CatalogueView):
    """The movies of the catalogue."""

    @operation(
        operation_id="movies",
        summary="The films that are shown now, a page at a time: by id, or by how well they fit a search.",
        tags=["movies"],
        parameters=[MoviesQuery],
        responses={200: MoviePageSerializer, **_PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        """Return a page of movies."""
        values, (audience, languages) = self.validated, self.read_audience()
        movie_filter = MoviesQuery.to_filter(values, audience, languages.chain)
        if "ids" in values:
            movies, unknown_ids = movies_by_ids(values["ids"], movie_filter)
            return page_response(request, [languages.card(card) for card in movies], None, unknown_ids=unknown_ids)
        if "sort" in values:
            page = sorted_movies_page(movie_filter, values["sort"], values["cursor"], values["page_size"])
        else:
            page = movies_page(movie_filter, values["cursor"], values["page_size"])
        facets = count_facets(movie_filter, values["facets"])
        notes: dict[str, Any] = {
            "unknown_names": page.unknown_names,
            "suggestions": page.suggestions,
            "facets": {name: [count._asdict() for count in counts] for name, counts in facets.items()},
        }
        return page_response(
            request,
            [languages.card(card) for card in page.movies],
            page.next,
            **{name: value for name, value in notes.items() if value},
        )

    @operation(
        operation_id="movies_create",
        summary="A new film; it is in lists on the next read. Scope catalog:write.",
        tags=["movies"],
        request=NewMovieBody,
        responses={201: MovieDetailsSerializer, **_PROBLEMS},
        examples=[OpenApiExample("movies_create", value=_EXAMPLE, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """Create a movie."""
        values = dict(self.validated)
        create_genres = values.pop("create_genres")
        change = MovieChange(values.pop("movie_id", None), values, WriteMode.CREATE)
        movie = _details_or_404(_write_movie(change, create_genres))
        location = f"/movies/{quote(movie['movie_id'], safe='')}"
        return Response(movie, status=201, headers={"Location": location})


class MovieView(CatalogueView):
    """One movie of the catalogue."""

    @operation(
        operation_id="movie",
        summary="One film with its people. With published=any, and the scope catalog:write, a hidden one too.",
        tags=["movies"],
        parameters=[MovieQuery],
        responses={200: MovieDetailsSerializer, **_PROBLEMS},
    )
    def get(self, request: Request, movie_id: str) -> Response:
        """Return one movie. Raises Http404."""
        number = resolve_movie_id(movie_id)
        is_public = self.required_scope == READ_SCOPE
        audience, languages = self.read_audience()
        if not number:
            movie = None
        elif is_public:
            movie = visible_movie_details(number, audience, languages.chain)
        else:
            movie = movie_details(number, audience.age_limit, languages.chain)
        if movie is None:
            raise Http404(f"The catalogue has no film {movie_id}.")
        details = _details_dict(movie) | languages.card(movie.card)
        return Response(details if is_public else details | {"translations": movie.translations})

    @operation(
        operation_id="movies_update",
        summary="Changes what is named and leaves the rest; published: false hides the film. Scope catalog:write.",
        tags=["movies"],
        request=MovieChangeBody(partial=True),
        responses={200: MovieDetailsSerializer, **_PROBLEMS},
        examples=[OpenApiExample("movies_update", value={"runtime": 81}, request_only=True)],
    )
    def patch(self, request: Request, movie_id: str) -> Response:
        """Change a movie. Raises Http404, Conflict, ValidationError."""
        number = resolve_movie_id(movie_id)
        if not number:
            raise Http404(f"The catalogue has no film {movie_id}.")
        key = number if number > 0 else movie_keys([number]).get(number, movie_id)
        values = dict(self.validated)
        create_genres = values.pop("create_genres", False)
        return Response(_details_or_404(_write_movie(MovieChange(key, values, WriteMode.UPDATE), create_genres)))


class PeopleView(CatalogueView):
    """Directors and actors."""

    @operation(
        operation_id="people",
        summary="Directors and actors, a page at a time.",
        tags=["movies"],
        parameters=[PageQuery],
        responses={200: PeoplePageSerializer, **_PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        """Return a page of people."""
        people, following = people_page(
            self.validated["cursor"].after,
            self.validated["page_size"],
            self.validated["search"],
            audience_of(self.validated),
        )
        return page_response(request, [person._asdict() for person in people], following)


class GenresView(CatalogueView):
    """The genres."""

    @operation(
        operation_id="genres",
        summary="All genres, with how many films that are shown.",
        tags=["movies"],
        parameters=[GenresQuery],
        responses={200: GenresSerializer, **_PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        """Return all genres."""
        audience, languages = self.read_audience()
        genres = [
            genre._replace(name=languages.genre_names.get(genre.name, genre.name)) for genre in genre_list(audience)
        ]
        return Response({"results": [genre._asdict() for genre in genres]})


class CatalogueReportView(CatalogueView):
    """What the catalogue lacks."""

    allow_viewer_token = False
    required_scope = WRITE_SCOPE  # it tells of hidden films

    @operation(
        operation_id="catalogue_report",
        summary="How many films lack what, hidden ones too, and which are there twice. Scope catalog:write.",
        tags=["movies"],
        responses={200: CatalogueReportSerializer, **_PROBLEMS},
    )
    def get(self, request: Request) -> Response:
        """Return the report."""
        return Response(catalogue_report(max_events=MAX_COUNTED_EVENTS).as_json())


def _write_movie(change: MovieChange, create_genres: bool) -> int:
    """Write one movie and return its id. Raises Http404, Conflict or ValidationError where nothing was written."""
    [result] = write_movies([change], create_genres=create_genres)
    if result.problem is None and result.movie_id is not None:
        return result.movie_id
    if result.problem is WriteProblem.UNKNOWN:
        raise Http404(result.reason)
    if result.problem is WriteProblem.EXISTS:
        raise Conflict(result.reason)
    field, _, message = result.reason.partition(": ")
    raise ValidationError({field: [message]})


def _details_or_404(movie_id: int) -> dict[str, Any]:
    movie = movie_details(movie_id)
    if movie is None:
        raise Http404(f"The catalogue has no film {movie_id}.")
    return _details_dict(movie)


def _details_dict(movie: MovieDetails) -> dict[str, Any]:
    values = {name: value for name, value in movie._asdict().items() if name not in ("card", "translations")}
    return movie.card.as_json() | values | {"availability": list(map(window_values, movie.availability))}
