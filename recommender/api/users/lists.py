"""GET /users/{id}/history, /ratings, /watchlist, /hidden: what a viewer did, a page at a time, the newest first."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors
from catalog.api.paging import page_response
from catalog.models import WatchEvent
from recommender.api.base_view import ApiView
from recommender.api.fast_serializer import FastSerializer
from recommender.api.fields import JsonInteger, MovieId
from recommender.api.openapi.operations import operation
from recommender.api.users.history_import import HistoryImportView
from recommender.api.users.profiles import profile_to_read
from recommender.models import ApiKey

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 50, 200
MAX_CURSOR_LENGTH = 40  # characters
NO_MOVIE = 0  # the id of none


@extend_schema_field({"type": "string", "maxLength": MAX_CURSOR_LENGTH})
class EventCursorField(serializers.Field):
    """A cursor, as a page gave it."""

    def to_internal_value(self, data: Any) -> selectors.EventCursor:
        """Return the parsed value. Raises ValidationError."""
        cursor = selectors.EventCursor.parse(str(data))
        if cursor is None:
            raise serializers.ValidationError("cursor is not one that a page gave as `next`.")
        return cursor


class ListQuerySerializer(FastSerializer):
    hints = dict.fromkeys(("page", "offset"), "a page's `next` is the address of the one behind it.")

    page_size = JsonInteger(default=DEFAULT_PAGE_SIZE, min_value=1, max_value=MAX_PAGE_SIZE)
    cursor = EventCursorField(required=False, help_text="From `next` of the page before.")


class HistoryQuerySerializer(ListQuerySerializer):
    movie_id = MovieId(required=False, help_text="Only what was done with this film.")


class HistoryItemSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    title = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    genres = serializers.ListField(child=serializers.CharField())
    poster_url = serializers.CharField(allow_blank=True)
    kind = serializers.ChoiceField([kind.label for kind in WatchEvent.Kind])
    occurred_at = serializers.DateTimeField()
    rating = serializers.FloatField(allow_null=True, help_text="Stars.")
    completion = serializers.FloatField(allow_null=True, help_text="The share of the film that was watched.")
    event_id = serializers.CharField(allow_null=True, help_text="As the event came; null: without one.")


class HistoryPageSerializer(serializers.Serializer):
    results = HistoryItemSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="The address of the next page; null on the last.")


class HistoryView(HistoryImportView):
    """Serve GET and POST /users/{id}/history."""

    @operation(
        "users_history_read",
        "All that a viewer did, the newest first. Scope users:read.",
        HistoryPageSerializer,
        parameters=[HistoryQuerySerializer],
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return a page of the history."""
        movie = self.validated.get("movie_id")
        movie_id = None if movie is None else selectors.resolve_movie_id(movie) or NO_MOVIE
        read_page = partial(selectors.history_page, movie_id=movie_id)
        return _respond(request, user_id, self.validated, read_page)


class FilmListView(ApiView):
    """A page of one of a viewer's lists; a viewer's token reads its own."""

    required_scope = ApiKey.Scope.USERS_READ
    allow_viewer_token = True

    def respond(self, request: Request, user_id: str, films: selectors.FilmList) -> Response:
        """Answer with a page. Raises Http404 for an unknown viewer."""
        return _respond(request, user_id, self.validated, partial(selectors.film_list_page, films=films))


class RatingsView(FilmListView):
    """Serve GET /users/{id}/ratings."""

    @operation(
        "users_ratings",
        "The films that a viewer rated, each with its last rating. Scope users:read.",
        HistoryPageSerializer,
        parameters=[ListQuerySerializer],
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return a page of rated films."""
        return self.respond(request, user_id, selectors.FilmList.RATINGS)


class WatchlistView(FilmListView):
    """Serve GET /users/{id}/watchlist."""

    @operation(
        "users_watchlist",
        "The films on a viewer's watchlist, until they are watched, rated or rejected. Scope users:read.",
        HistoryPageSerializer,
        parameters=[ListQuerySerializer],
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return a page of the watchlist."""
        return self.respond(request, user_id, selectors.FilmList.WATCHLIST)


class HiddenView(FilmListView):
    """Serve GET /users/{id}/hidden."""

    @operation(
        "users_hidden",
        "The films that a viewer disliked or marked as not interesting: they are never listed. Scope users:read.",
        HistoryPageSerializer,
        parameters=[ListQuerySerializer],
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return a page of hidden films."""
        return self.respond(request, user_id, selectors.FilmList.HIDDEN)


def _respond(
    request: Request, user_id: str, query: Mapping[str, Any], read_page: Callable[..., selectors.EventPage]
) -> Response:
    """Answer with a page of films within the viewer's age limit. Raises Http404 for an unknown viewer."""
    viewer = profile_to_read(request, user_id)
    bounds = {"cursor": query.get("cursor"), "page_size": query["page_size"], "age_limit": viewer.age_limit}
    page = read_page(viewer.viewer_id, **bounds)
    cards = selectors.movie_cards({event.movie_id for event in page.events})
    return page_response(request, [_item_body(event, cards[event.movie_id]) for event in page.events], page.next)


def _item_body(event: selectors.ViewerEvent, card: selectors.MovieCard) -> dict[str, Any]:
    return card.as_json() | {
        "kind": event.kind.label,
        "occurred_at": event.occurred_at,
        "rating": event.rating,
        "completion": event.completion,
        "event_id": event.event_key,
    }
