"""POST /events: what viewers did, one event or up to 1,000."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.strict import EVENT_HINTS, MAX_UNKNOWN_NAMES, token_viewer, unknown_name_message
from catalog.services import EventStatus
from recommender.api.access.throttles import ViewerEventsThrottle
from recommender.api.access.viewer_token_auth import TokenScope
from recommender.api.base_view import ApiView
from recommender.api.fast_serializer import FastSerializer
from recommender.api.fields import (
    EventKey,
    JsonBoolean,
    JsonFloat,
    JsonInteger,
    JsonString,
    MovieId,
    StarRating,
    Timestamp,
    UserId,
)
from recommender.api.openapi.operations import operation
from recommender.api.users.own_events import MAX_OWN_EVENTS, limit_own_events, name_viewer
from recommender.ingest.events import KINDS, ClientEvent, RecordResult, record_client_events
from recommender.models import ApiKey
from recommender.movies.movie_ids import parse_movie_ids

MAX_EVENTS = 1000
NEEDED_FIELDS = {"rating": "rating", "progress": "completion"}  # kind -> what an event of it must have


class EventConflict(APIException):
    """A single event is stored already, with other content."""

    status_code = 409
    default_code = "event_conflict"


class EventRequestSerializer(FastSerializer):
    hints = EVENT_HINTS

    user_id = UserId()
    movie_id = MovieId()
    kind = serializers.ChoiceField(KINDS)
    occurred_at = Timestamp(required=False, help_text="Default now; at most five minutes ahead of the server's clock.")
    rating = StarRating(required=False, help_text="Stars in halves; needed for the kind rating.")
    completion = JsonFloat(
        required=False,
        min_value=0,
        max_value=1,
        help_text="The share of the film that was watched; needed for the kind progress.",
    )
    event_id = EventKey(
        required=False, help_text="The site's own. Sent twice, it counts once; with other content it is a conflict."
    )
    session = JsonBoolean(
        default=False, help_text="Whether the viewer is an anonymous session, to be merged into an account."
    )
    recommendation_id = JsonString(
        r"^[A-Za-z0-9._:-]{1,64}\Z",
        required=False,
        help_text="Of the list that showed the film: what came of it is counted for it.",
    )
    position = JsonInteger(required=False, min_value=0, max_value=32_767, help_text="Kept for impression and click.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values. Raises ValidationError for a rating without stars and for progress without a share."""
        needed = NEEDED_FIELDS.get(values["kind"])
        if needed and needed not in values:
            raise serializers.ValidationError({needed: f"is needed for the kind {values['kind']}."})
        return values


class EventRequestExtension(OpenApiSerializerExtension):
    """Describe that a rating event has stars, and one of progress a share."""

    target_class = EventRequestSerializer

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the schema of one event."""
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        needs = [
            {"anyOf": [{"properties": {"kind": {"not": {"const": kind}}}}, {"required": [name]}]}
            for kind, name in NEEDED_FIELDS.items()
        ]
        return schema | {"allOf": needs}


class EventsBodySerializer(serializers.Serializer):
    """One event, a list of them, or that list under `events`."""


class EventsBodyExtension(OpenApiSerializerExtension):
    """Describe the three forms of the body.

    In a list an object that is no event is no error of the whole: it is answered in its place.
    """

    target_class = EventsBodySerializer

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the schema of the body."""
        event = auto_schema.resolve_serializer(EventRequestSerializer, direction).ref
        items = {"anyOf": [event, {"type": "object"}]}
        events = {"type": "array", "items": items, "minItems": 1, "maxItems": MAX_EVENTS}
        wrapped = {"type": "object", "properties": {"events": events}, "required": ["events"]}
        return {"anyOf": [event, events, wrapped | {"additionalProperties": False}]}


class EventResultSerializer(serializers.Serializer):
    index = serializers.IntegerField()
    status = serializers.ChoiceField(["stored", "duplicate", "rejected", "conflict"])
    reason = serializers.CharField(required=False)
    fields = serializers.ListField(  # type: ignore[assignment]
        child=serializers.CharField(), required=False, help_text="Of a conflict: what is another than before."
    )


class EventsAnswerSerializer(serializers.Serializer):
    results = EventResultSerializer(many=True)
    stored = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = serializers.IntegerField()
    conflicts = serializers.IntegerField(help_text="Events that are there with other content; nothing is changed.")
    visible = serializers.BooleanField(help_text="Every later read knows of all of them; false: within seconds.")


class EventsView(ApiView):
    """Serve POST /events."""

    required_scope = ApiKey.Scope.EVENTS
    throttle_scope = "events"
    allow_viewer_token = True
    token_scope = TokenScope.EVENTS

    def accepts_viewer(self, request: Request) -> bool:
        """Return true: a call with a viewer's token is for that viewer, and post() looks at each event."""
        return True

    @operation(
        "events",
        "What viewers did: one event, or up to 1,000, each judged alone.",
        EventsAnswerSerializer,
        request=EventsBodySerializer,
        example={"user_id": 123, "movie_id": "260", "kind": "watch", "completion": 1.0},
    )
    def post(self, request: Request) -> Response:
        """Store what viewers did, and answer for each event."""
        viewer = token_viewer(request)
        if viewer is None:
            events = to_client_events(request.data)
        else:
            events = to_client_events(name_viewer(request.data, viewer), MAX_OWN_EVENTS)
            ViewerEventsThrottle().spend(request, len(events))
            events = limit_own_events(events, viewer)
        outcome = record_client_events(events)
        is_single = isinstance(request.data, dict) and "events" not in request.data
        if is_single and outcome.results[0].status == EventStatus.CONFLICT:
            raise EventConflict(outcome.results[0].reason)
        return Response(_events_body(outcome))


EVENT_SERIALIZER = EventRequestSerializer()  # one for all requests: it keeps no state


def to_client_events(body: Any, max_events: int = MAX_EVENTS) -> list[ClientEvent | str]:
    """Return the events of a body: one object, a list, or {"events": list}.

    A text stands in place of an event of a list that is not valid and says why. Raises ValidationError for a single
    event that is not valid, and for a body that is no list of objects.
    """
    if isinstance(body, dict) and "events" not in body:
        return _to_client_events([EVENT_SERIALIZER.run_validation(body)])
    if isinstance(body, dict) and len(body) > 1:
        unknown = [name for name in body if name != "events"][:MAX_UNKNOWN_NAMES]
        raise ValidationError({name: unknown_name_message(name, ["events"]) for name in unknown})
    events = body["events"] if isinstance(body, dict) else body
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise ValidationError("Send one event as an object, or a list of them, or that list under events.")
    if not 0 < len(events) <= max_events:
        raise ValidationError(f"Holds {len(events)} events; send 1 to {max_events}.")
    return _to_client_events([_validate_event(event) for event in events])


def _validate_event(event: dict[str, Any]) -> dict[str, Any] | str:
    try:
        return dict(EVENT_SERIALIZER.run_validation(event))
    except ValidationError as error:
        detail = error.detail if isinstance(error.detail, dict) else {}
        return "; ".join(f"{name}: {' '.join(map(str, messages))}" for name, messages in detail.items())


def _to_client_events(events: Sequence[Mapping[str, Any] | str]) -> list[ClientEvent | str]:
    """Return the validated EVENTS as ingestion takes them; texts stay. All movie ids are parsed in one go."""
    now = timezone.now()
    movie_ids = iter(parse_movie_ids([event["movie_id"] for event in events if not isinstance(event, str)]))
    optional = ("rating", "completion", "event_id", "recommendation_id", "position")
    return [
        event
        if isinstance(event, str)
        else ClientEvent(
            viewer=event["user_id"].key,
            movie_id=next(movie_ids),
            kind=event["kind"],
            occurred_at=event.get("occurred_at", now),
            has_timestamp="occurred_at" in event,
            is_session=event["session"],
            **{name: event[name] for name in optional if name in event},
        )
        for event in events
    ]


def _events_body(outcome: RecordResult) -> dict[str, Any]:
    counts = Counter(result.status for result in outcome.results)
    results = []
    for index, result in enumerate(outcome.results):
        body: dict[str, Any] = {"index": index, "status": str(result.status)}
        body |= {"reason": result.reason} if result.reason else {}
        body |= {"fields": list(result.fields)} if result.fields else {}
        results.append(body)
    return {
        "results": results,
        "stored": counts[EventStatus.STORED],
        "duplicates": counts[EventStatus.DUPLICATE],
        "rejected": counts[EventStatus.REJECTED],
        "conflicts": counts[EventStatus.CONFLICT],
        "visible": outcome.visible,
    }
