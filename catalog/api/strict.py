"""What a call takes: the names that its schema has and no others. A viewer's token names its viewer, on every call."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from difflib import get_close_matches
from typing import Any

from django.http import QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

VIEWER_FIELD = "user_id"  # the field that names the viewer a call is for
MAX_UNKNOWN_NAMES, MAX_SHOWN_NAME = (
    10,
    60,
)  # unknown names in one answer, characters of one: to look for what is near costs time
MIN_SIMILARITY = 0.6  # of difflib's ratio, 0 to 1

Operation = Callable[..., Any]


def unknown_name_message(
    name: str, known: Collection[str], what: str = "field", hints: Mapping[str, str] | None = None
) -> str:
    """Says that `name` is none of the `known` names, and which one is near. `hints`: what to say of a name instead."""
    shown = name[:MAX_SHOWN_NAME]
    if hints and name in hints:
        return f"unknown {what} `{shown}`: {hints[name]}"
    if not known:
        return f"unknown {what} `{shown}`: there is none here."
    plain = {_plain(one): one for one in known}
    near = get_close_matches(_plain(shown), plain, n=1, cutoff=MIN_SIMILARITY)
    if near:
        return f"unknown {what} `{shown}`: did you mean `{plain[near[0]]}`?"
    return f"unknown {what} `{shown}`: there is {', '.join(known)}."


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


class QueryValidationError(ValidationError):
    """What is wrong with the parameters of a call whose method has a body."""

    of_query = True


class BodyValidationError(ValidationError):
    """What is wrong with the body of a call whose method has none."""

    of_query = False


class StrictSerializer(serializers.Serializer):
    """A body, a query or a row in which a name that is not known is an error, as what it says would be lost."""

    hints: Mapping[str, str] = {}  # name that is none here -> what to send in its place, or where

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        strange = self.unknown_field_errors(data)
        try:
            values = dict(super().to_internal_value(data))
        except ValidationError as error:
            detail: Any = error.detail
            raise ValidationError(strange | detail) from None
        if strange:
            raise ValidationError(strange)
        return values

    def unknown_field_errors(self, data: Any, what: str = "field") -> dict[str, Any]:
        """What is to be said of each name in `data` that is no field."""
        fields = self.fields
        names = [name for name in data if name not in fields] if isinstance(data, Mapping) else []
        return {name: [unknown_name_message(name, fields, what, self.hints)] for name in names[:MAX_UNKNOWN_NAMES]}

    def parse_query(self, query: QueryDict) -> dict[str, Any]:
        """The parameters as the values to validate. Raises ValidationError for one that is unknown, and for one that is
        sent twice and is no list."""
        values, wrong = {}, self.unknown_field_errors(query, "parameter")
        for name, texts in query.lists():
            if name in wrong or name not in self.fields:
                continue
            field = self.fields[name]
            if len(texts) > 1 and not self.is_multi_valued(field):
                wrong[name] = f"is sent {len(texts)} times: send it once."
            values[name] = self.parse_texts(field, texts)
        if wrong:
            raise ValidationError(wrong)
        return values

    def is_multi_valued(self, field: serializers.Field) -> bool:
        """Whether a parameter may be said once for each of its values."""
        return isinstance(field, serializers.ListField)

    def parse_texts(self, field: serializers.Field, texts: Sequence[str]) -> Any:
        """What one parameter says."""
        return list(texts) if self.is_multi_valued(field) else texts[-1]


def operation(*, parameters: Sequence[Any] = (), request: Any = None, **more: Any) -> Callable[[Operation], Operation]:
    """Describes a call in the schema, and binds it to that: the serializer among `parameters` is its query, `request`
    its body, and StrictView lets nothing else in. Any other `request` (files, events) the handler reads itself."""

    def bound(handler: Operation) -> Operation:
        handler.query = next((_instance(one) for one in parameters if _is_strict_serializer(one)), None)  # type: ignore[attr-defined]
        handler.body = _instance(request) if _is_strict_serializer(request) else None  # type: ignore[attr-defined]
        handler.reads_itself = request is not None and not _is_strict_serializer(request)  # type: ignore[attr-defined]
        if request is not None:
            more["request"] = request
        return extend_schema(parameters=list(parameters), **more)(handler)

    return bound


def _is_strict_serializer(one: Any) -> bool:
    return isinstance(one, StrictSerializer) or (isinstance(one, type) and issubclass(one, StrictSerializer))


def _instance(one: Any) -> StrictSerializer:
    """One serializer for all requests: it keeps no state."""
    made: StrictSerializer = one() if isinstance(one, type) else one
    return made


class _AcceptHeaderNegotiation(DefaultContentNegotiation):
    def filter_renderers(self, renderers: Any, format: str) -> Any:
        return renderers  # `?format=` chooses nothing: it is a parameter like any other


class StrictView(APIView):
    """Before a handler runs, its call is read as its `operation` says: `self.asked` has the values of the query or of
    the body. Nothing unknown passes, and with a viewer's token the values name that viewer."""

    content_negotiation_class = _AcceptHeaderNegotiation
    validated: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        handler = self._handler(request)
        if handler is not None:
            with self.reading_limits(request):
                self.validated = _read(request, handler, token_viewer(request))

    def reading_limits(self, request: Request) -> AbstractContextManager[None]:
        """Returns what surrounds the reading of a call; for views whose bodies cost a lot to read."""
        return nullcontext()

    def _handler(self, request: Request) -> Any:
        return getattr(self, (request.method or "").lower(), None)

    def accepts_viewer(self, request: Request) -> bool:
        """Whether the call can be made for one viewer: only such a call may be open to a viewer's token."""
        handler = self._handler(request)
        taken = getattr(handler, "body", None) or getattr(handler, "query", None)
        return taken is not None and VIEWER_FIELD in taken.fields


def token_viewer(request: Request) -> int | None:
    """The viewer whose token came with the call; None for a key, and for none."""
    viewer: int | None = getattr(request.auth, "viewer_id", None)
    return viewer


def _read(request: Request, handler: Any, viewer: int | None) -> dict[str, Any]:
    query, body = getattr(handler, "query", None), getattr(handler, "body", None)
    named = {} if viewer is None else {VIEWER_FIELD: viewer}
    asked: dict[str, Any] = {}
    if body is None and not getattr(handler, "reads_itself", False) and _has_body(request):
        raise BodyValidationError(
            "This call takes no body: send its values as parameters of the address, if it has any."
        )
    try:
        if query is not None:
            asked = dict(query.run_validation(query.parse_query(request.query_params) | named))
        else:
            NO_FIELDS.parse_query(request.query_params)
    except ValidationError as error:
        raise QueryValidationError(error.detail) from None
    if body is not None:
        data = request.data
        return dict(body.run_validation({**data, **named} if named and isinstance(data, Mapping) else data))
    return asked


def _has_body(request: Request) -> bool:
    return request.META.get("CONTENT_LENGTH") not in (None, "", "0", 0)


NO_FIELDS = StrictSerializer()
# What others call the fields of an event.
EVENT_HINTS = {
    name: f"did you mean `{field}`?"
    for field, names in {
        "occurred_at": "timestamp time ts date at when created_at watched_at",
        "kind": "type event event_type action",
        "movie_id": "item_id item film",
        "user_id": "viewer viewer_id customer_id",
    }.items()
    for name in names.split()
}
