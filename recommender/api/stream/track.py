"""POST /track: messages in the form of Segment and RudderStack, one or a batch."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.http import Http404
from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.strict import require_body
from catalog.errors import AccountFullError, NotAnAccountError, NotASessionError
from catalog.selectors import find_viewer
from recommender import merging
from recommender.api.access.authentication import ApiKeyAuthentication, ApiPrincipal, BasicKeyAuthentication
from recommender.api.base_view import ApiView
from recommender.api.events import to_client_events
from recommender.api.openapi.operations import operation
from recommender.api.stream.messages import TYPES, Action, MessageError, Step, read_message
from recommender.ingest.event_deletion import delete_viewer_events
from recommender.ingest.events import record_client_events
from recommender.models import ApiKey
from recommender.movies.movie_ids import parse_movie_id
from recommender.viewers.profiles import write_profile

MAX_MESSAGES = 1000
STATUSES = ("stored", "duplicate", "conflict", "rejected", "merged", "written", "deleted", "ignored")


class TrackBodySerializer(serializers.Serializer):
    """One message, or a list of them under `batch`."""


class TrackBodyExtension(OpenApiSerializerExtension):
    """Describe the two forms of the body: other fields of a message are Segment's, and not read.

    A message that is none is no error of the call, alone neither: Segment's clients would send it again and again.
    """

    target_class = TrackBodySerializer

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the schema of the body."""
        text = {"type": "string"}
        message = {
            "type": "object",
            "properties": {
                "type": {"type": "string", "enum": list(TYPES)},
                **dict.fromkeys(("messageId", "event", "timestamp"), text),
                **{
                    name: {"type": ["string", "integer"]} for name in ("userId", "anonymousId", "previousId", "groupId")
                },
                "properties": {"type": "object"},
                "traits": {"type": "object"},
            },
        }
        batch = {"type": "array", "items": {"type": "object"}, "minItems": 1, "maxItems": MAX_MESSAGES}
        any_message = {"type": "object", "not": {"required": ["batch"]}}
        wrapped = {"type": "object", "properties": {"batch": batch}, "required": ["batch"]}
        return {"anyOf": [message, any_message, wrapped]}


class TrackResultSerializer(serializers.Serializer):
    index = serializers.IntegerField()
    type = serializers.CharField()
    status = serializers.ChoiceField(STATUSES)
    reason = serializers.CharField(required=False)


class TrackAnswerSerializer(serializers.Serializer):
    success = serializers.BooleanField(help_text="false: a message was rejected, or is in conflict; see its reason.")
    results = TrackResultSerializer(many=True)
    visible = serializers.BooleanField(help_text="Every later read knows of all of them; false: within seconds.")


@dataclass(slots=True)
class Outcome:
    """What became of a message."""

    type: str
    status: str
    reason: str = ""


class TrackView(ApiView):
    """Serve POST /track."""

    authentication_classes = [BasicKeyAuthentication, ApiKeyAuthentication]
    required_scope = ApiKey.Scope.EVENTS
    throttle_scope = "events"
    default_type = ""

    @operation(
        "track",
        "Messages as Segment and RudderStack send them: track, identify, alias, group.",
        TrackAnswerSerializer,
        request=TrackBodySerializer,
        example={
            "type": "track",
            "event": "Movie Watched",
            "userId": "123",
            "messageId": "m-1",
            "properties": {"movie_id": "260", "completion": 1.0},
        },
    )
    def post(self, request: Request) -> Response:
        """Do what the messages ask for, in their order, and say what became of each."""
        return Response(self.take(request))

    def take(self, request: Request) -> dict[str, Any]:
        """Return the answer's body."""
        require_body(request)
        messages = _messages(request.data)
        may_write_profiles = ApiKey.Scope.USERS_WRITE in cast(ApiPrincipal, request.auth).scopes
        outcomes, visible = take_messages(messages, self.default_type, may_write_profiles)
        results = []
        for index, outcome in enumerate(outcomes):
            result = {"index": index, "type": outcome.type, "status": outcome.status}
            results.append(result | ({"reason": outcome.reason} if outcome.reason else {}))
        statuses = Counter(outcome.status for outcome in outcomes)
        return {"success": not statuses["rejected"] + statuses["conflict"], "results": results, "visible": visible}


class SegmentView(TrackView):
    """Serve POST /v1/track, /v1/batch and the others, where Segment's own clients send to."""

    schema = None

    def post(self, request: Request, call: str) -> Response:
        """Do what the messages ask for. Raises Http404 for an address that Segment does not have."""
        if call not in (*TYPES, "batch"):
            raise Http404("There is no such call: they are /v1/batch and " + ", ".join(f"/v1/{name}" for name in TYPES))
        self.default_type = "" if call == "batch" else call
        return Response(self.take(request))

    setattr(post, "reads_body_itself", True)  # noqa: B010


def _messages(body: Any) -> Sequence[Mapping[str, Any]]:
    """Return the messages of a body. Raises ValidationError."""
    messages = body["batch"] if isinstance(body, dict) and "batch" in body else [body]
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise ValidationError("Send one message as an object, or a list of them under batch.")
    if not 0 < len(messages) <= MAX_MESSAGES:
        raise ValidationError({"batch": f"holds {len(messages)} messages; send 1 to {MAX_MESSAGES}."})
    return messages


def take_messages(
    messages: Sequence[Mapping[str, Any]], default_type: str, may_write_profiles: bool
) -> tuple[list[Outcome], bool]:
    """Do what the messages ask for, in their order: events between two other steps are stored in one transaction.

    Returns what became of each, and whether every later read reflects all of it.
    """
    outcomes = [Outcome(str(message.get("type", default_type))[:20], "ignored") for message in messages]
    pending: list[tuple[int, Step]] = []
    visible = True
    for index, message in enumerate(messages):
        for step in _steps_of(message, default_type, outcomes[index]):
            if step.action is Action.EVENT:
                pending.append((index, step))
                continue
            visible &= _store_events(pending, outcomes)
            visible &= _take_step(step, outcomes[index], may_write_profiles)
    return outcomes, _store_events(pending, outcomes) and visible


def _steps_of(message: Mapping[str, Any], default_type: str, outcome: Outcome) -> Iterator[Step]:
    try:
        yield from read_message(message, default_type)
    except MessageError as error:
        outcome.status, outcome.reason = "rejected", str(error)


def _store_events(pending: list[tuple[int, Step]], outcomes: list[Outcome]) -> bool:
    if not pending:
        return True
    recorded = record_client_events(to_client_events([dict(step.event) for _, step in pending]))
    for (index, _), result in zip(pending, recorded.results, strict=True):
        outcomes[index].status, outcomes[index].reason = str(result.status), result.reason
    pending.clear()
    return recorded.visible


def _take_step(step: Step, outcome: Outcome, may_write_profiles: bool) -> bool:
    """Do one step and note what became of it. Returns whether every later read reflects it."""
    if step.action is Action.NOTHING or step.viewer is None:
        outcome.reason = step.reason
    elif step.action is Action.OFF_WATCHLIST:
        deleted = delete_viewer_events(
            step.viewer.key, movie_id=parse_movie_id(str(step.event["movie_id"])), kind="watchlist"
        )
        outcome.status = "deleted" if deleted.events else "ignored"
        return deleted.visible
    elif step.action is Action.MERGE and step.merged is not None:
        return _merge(step, outcome)
    elif not may_write_profiles:
        outcome.status = "rejected"
        outcome.reason = f"A profile takes a key with the scope {ApiKey.Scope.USERS_WRITE} as well."
    else:
        return _write_profile(step, outcome)
    return True


def _merge(step: Step, outcome: Outcome) -> bool:
    assert step.viewer is not None
    assert step.merged is not None
    if find_viewer(step.merged.key) is None:
        outcome.reason = "There is no such session: nothing was sent of it, or it was merged before."
        return True
    try:
        merge, visible = merging.merge(step.merged.key, step.viewer.key, allow_accounts=False)
    except (NotASessionError, NotAnAccountError):
        outcome.status = "rejected"
        outcome.reason = "Only an anonymous session is merged, and only into an account: look at both ids."
        return True
    outcome.status = "ignored" if merge is None else "merged"
    return visible


def _write_profile(step: Step, outcome: Outcome) -> bool:
    assert step.viewer is not None
    try:
        written = write_profile(step.viewer.key, step.profile, create=True, is_session=step.is_session)
    except AccountFullError as error:
        outcome.status, outcome.reason = "rejected", str(error)
        return True
    outcome.status = "written"
    return written is None or written.visible
