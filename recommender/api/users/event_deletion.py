"""DELETE /events/{event_id} and DELETE /users/{id}/events: take back what was reported."""

from typing import Any

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.strict import token_viewer
from catalog.event_keys import parse_event_key
from recommender.api.access.viewer_token_auth import TokenScope
from recommender.api.base_view import ApiView
from recommender.api.fast_serializer import FastSerializer
from recommender.api.fields import JsonBoolean, MovieId, Timestamp
from recommender.api.openapi.operations import operation
from recommender.api.users.path_viewer import viewer_of_path
from recommender.ingest.event_deletion import delete_event, delete_viewer_events
from recommender.ingest.events import KINDS
from recommender.models import ApiKey
from recommender.movies.movie_ids import parse_movie_id


class DeletedEventsSerializer(serializers.Serializer):
    events = serializers.IntegerField(help_text="Of the viewer's history that were deleted.")
    impressions = serializers.IntegerField(help_text="Impressions and clicks that were deleted.")
    visible = serializers.BooleanField(help_text="Every later read knows nothing of them; false: within seconds.")


class EventsToDeleteSerializer(FastSerializer):
    movie_id = MovieId(required=False, help_text="Only those of this film.")
    kind = serializers.ChoiceField(KINDS, required=False, help_text="Only those of this kind.")
    before = Timestamp(required=False, help_text="Only those that occurred before this moment.")
    all = JsonBoolean(default=False, help_text="All there are; needed where nothing else is named.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values. Raises ValidationError where nothing says what to delete."""
        if values["all"] == bool(len(values) > 1):
            raise serializers.ValidationError({"all": "Name movie_id, kind or before, or say all=true in their place."})
        return values


class EventView(ApiView):
    """Serve DELETE /events/{event_id}."""

    required_scope = ApiKey.Scope.EVENTS
    throttle_scope = "events"
    allow_viewer_token = True
    token_scope = TokenScope.EVENTS

    def accepts_viewer(self, request: Request) -> bool:
        """Return true: with a viewer's token only that viewer's event is deleted."""
        return True

    @operation("events_delete", "Takes back the event, impression or click of this key.", DeletedEventsSerializer)
    def delete(self, request: Request, event_id: str) -> Response:
        """Delete an event; one that is not there counts as deleted."""
        parsed = parse_event_key(event_id)
        if parsed is None:
            raise Http404("This can be no event's key: one has 1 to 128 printable characters.")
        return Response(delete_event(parsed, only_of=token_viewer(request))._asdict())


class UserEventsView(ApiView):
    """Serve DELETE /users/{id}/events."""

    required_scope = ApiKey.Scope.EVENTS
    throttle_scope = "events"
    allow_viewer_token = True
    token_scope = TokenScope.EVENTS

    @operation(
        "users_events_delete",
        "Takes back what was reported of a viewer: all, or what is of a film, of a kind, before a moment.",
        DeletedEventsSerializer,
        parameters=[EventsToDeleteSerializer],
    )
    def delete(self, request: Request, user_id: str) -> Response:
        """Delete events of a viewer, such as the history or an entry of the watchlist."""
        viewer = viewer_of_path(user_id)
        values = self.validated
        movie = values.get("movie_id")
        deleted = delete_viewer_events(
            viewer,
            movie_id=None if movie is None else parse_movie_id(movie),
            kind=values.get("kind"),
            before=values.get("before"),
        )
        return Response(deleted._asdict())
