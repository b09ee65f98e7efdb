"""Strict reading of calls: only the names in the schema are accepted, and a viewer's token names its viewer."""

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

from catalog.api.fields import TitleLanguageField
from catalog.keys import Key
from catalog.names.languages import LanguageWish, parse_accept_language

VIEWER_FIELD = "user_id"  # the field that names the viewer a call is for
GROUP_FIELD = "user_ids"  # or the viewers
# Unknown names in one answer, and characters of one: looking for a similar name costs time.
MAX_UNKNOWN_NAMES, MAX_SHOWN_NAME = 10, 60
MIN_SIMILARITY = 0.6  # of difflib's ratio, 0 to 1

Operation = Callable[..., Any]


def unknown_name_message(
    name: str, known: Collection[str], what: str = "field", hints: Mapping[str, str] | None = None
) -> str:
    """Say that `name` is none of the `known` names, and which one is similar. `hints`: what to say of a name."""
    shown = name[:MAX_SHOWN_NAME]
    if hints and name in hints:
        return f"unknown {what} `{shown}`: {hints[name]}"
    if not known:
        return f"unknown {what} `{shown}`: there is none here."
    by_letters = {_letters(known_name): known_name for known_name in known}
    similar = get_close_matches(_letters(shown), by_letters, n=1, cutoff=MIN_SIMILARITY)
    if similar:
        return f"unknown {what} `{shown}`: did you mean `{by_letters[similar[0]]}`?"
    return f"unknown {what} `{shown}`: there is {', '.join(known)}."


def _letters(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


class QueryValidationError(ValidationError):
    """The query parameters are wrong, of a call whose method may have a body."""

    of_query = True


class BodyValidationError(ValidationError):
    """The body is wrong, of a call whose method has none."""

    of_query = False


class StrictSerializer(serializers.Serializer):
    """A body, a query or a row in which an unknown name is an error, as its value would be lost."""

    hints: Mapping[str, str] = {}  # name that is no field -> what to send in its place, or where

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        unknown = self.unknown_field_errors(data)
        try:
            values = dict(super().to_internal_value(data))
        except ValidationError as error:
            detail: Any = error.detail
            raise ValidationError(unknown | detail) from None
        if unknown:
            raise ValidationError(unknown)
        return values

    def unknown_field_errors(self, data: Any, what: str = "field") -> dict[str, Any]:
        """Return a message for each name in `data` that is no field."""
        fields = self.fields
        names = [name for name in data if name not in fields] if isinstance(data, Mapping) else []
        return {name: [unknown_name_message(name, fields, what, self.hints)] for name in names[:MAX_UNKNOWN_NAMES]}

    def parse_query(self, query: QueryDict) -> dict[str, Any]:
        """Return the parameters as values to validate.

        Raises ValidationError for an unknown parameter, and for one that is sent twice and is no list.
        """
        values, errors = {}, self.unknown_field_errors(query, "parameter")
        for name, texts in query.lists():
            if name in errors or name not in self.fields:
                continue
            field = self.fields[name]
            if len(texts) > 1 and not self.is_multi_valued(field):
                errors[name] = f"is sent {len(texts)} times: send it once."
            values[name] = self.parse_texts(field, texts)
        if errors:
            raise ValidationError(errors)
        return values

    def is_multi_valued(self, field: serializers.Field) -> bool:
        """Tell whether a parameter may be sent once for each of its values."""
        return isinstance(field, serializers.ListField)

    def parse_texts(self, field: serializers.Field, texts: Sequence[str]) -> Any:
        """Return the value of one parameter."""
        return list(texts) if self.is_multi_valued(field) else texts[-1]


NO_FIELDS = StrictSerializer()


def operation(
    *, parameters: Sequence[Any] = (), request: Any = None, needs_body: bool = True, **more: Any
) -> Callable[[Operation], Operation]:
    """Describe a call in the schema, and bind its handler to that description.

    The serializer among `parameters` is the query, `request` the body, and StrictView accepts nothing else. Any other
    `request` (files, events) the handler reads itself. `needs_body`: whether a call without the body is refused, though
    each of its fields may be absent.
    """

    def bind(handler: Operation) -> Operation:
        query = next((parameter for parameter in parameters if _is_strict_serializer(parameter)), None)
        is_read = _is_strict_serializer(request)
        handler.query = None if query is None else _instance(query)  # type: ignore[attr-defined]
        handler.body = _instance(request) if is_read else None  # type: ignore[attr-defined]
        handler.needs_body = is_read and needs_body  # type: ignore[attr-defined]
        handler.reads_body_itself = request is not None and not is_read  # type: ignore[attr-defined]
        if request is not None:
            more["request"] = request
        # Else the schema would take the docstring of the view, which is not for clients.
        more["description"] = more.get("description") or more.get("summary")
        return extend_schema(parameters=list(parameters), **more)(handler)

    return bind


def _is_strict_serializer(value: Any) -> bool:
    return isinstance(value, StrictSerializer) or (isinstance(value, type) and issubclass(value, StrictSerializer))


def _instance(serializer: Any) -> StrictSerializer:
    """Return one serializer for all requests: it keeps no state."""
    instance: StrictSerializer = serializer() if isinstance(serializer, type) else serializer
    return instance


class _AcceptHeaderNegotiation(DefaultContentNegotiation):
    """Chooses by the Accept header alone: `?format=` is a parameter like any other."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """Return the renderer and the media type, at once where there is one that the client takes."""
        [first, *others] = renderers
        if not others and request.META.get("HTTP_ACCEPT", "*/*") in ("*/*", first.media_type):
            return first, first.media_type
        return super().select_renderer(request, renderers, format_suffix)

    def filter_renderers(self, renderers: Any, format: str) -> Any:
        return renderers


class StrictView(APIView):
    """A view whose calls are read as their `operation` says, before the handler runs.

    `self.validated` has the values of the query or of the body. Nothing unknown passes, and with a viewer's token the
    values name that viewer.
    """

    content_negotiation_class = _AcceptHeaderNegotiation
    validated: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.read_call(request)

    def read_call(self, request: Request) -> None:
        """Validate the query and the body. Raises QueryValidationError, BodyValidationError or ValidationError."""
        handler = self._handler(request)
        if handler is not None:
            with self.reading_limits(request):
                self.validated = _read(request, handler, token_viewer(request))
            if isinstance(_fields_of(handler).get("language"), TitleLanguageField):
                accepted = parse_accept_language(request.headers.get("Accept-Language", ""))
                self.validated["title_languages"] = LanguageWish(self.validated.pop("language", ""), accepted)

    def reading_limits(self, request: Request) -> AbstractContextManager[None]:
        """Return what surrounds the reading of a call; for views whose bodies cost a lot to read."""
        return nullcontext()

    def _handler(self, request: Request) -> Any:
        return getattr(self, (request.method or "").lower(), None)

    def accepts_viewer(self, request: Request) -> bool:
        """Tell whether the call can be made for one viewer: only such a call may be open to a viewer's token."""
        return VIEWER_FIELD in self.kwargs or VIEWER_FIELD in _fields_of(self._handler(request))


def _fields_of(handler: Any) -> Mapping[str, serializers.Field]:
    """Return the fields of a call's body, else of its query."""
    serializer = getattr(handler, "body", None) or getattr(handler, "query", None)
    return {} if serializer is None else serializer.fields


def token_viewer(request: Request) -> Key | None:
    """Return the viewer whose token came with the call; None for a call with a key or with nothing."""
    viewer: Key | None = getattr(request.auth, "viewer", None)
    return viewer


def require_body(request: Request) -> None:
    """Raise ValidationError where the call came without a body: a client lost it, and {} would be another wish."""
    if not has_body(request):
        raise ValidationError("The body is missing: send a JSON object, {} if all of its fields are to be left out.")


def has_body(request: Request) -> bool:
    """Say whether a call came with a body."""
    return request.META.get("CONTENT_LENGTH") not in (None, "", "0", 0)


def _read(request: Request, handler: Any, viewer: Key | None) -> dict[str, Any]:
    """Validate the query and the body. Raises QueryValidationError, BodyValidationError or ValidationError."""
    query, body = getattr(handler, "query", None), getattr(handler, "body", None)
    if getattr(handler, "needs_body", False):
        require_body(request)
    if body is None and not getattr(handler, "reads_body_itself", False) and has_body(request):
        raise BodyValidationError(
            "This call takes no body: send its values as parameters of the address, if it has any."
        )
    values: dict[str, Any] = {}
    try:
        if query is not None:
            named = {VIEWER_FIELD: viewer} if viewer is not None and VIEWER_FIELD in query.fields else {}
            values = dict(query.run_validation(query.parse_query(request.query_params) | named))
        else:
            NO_FIELDS.parse_query(request.query_params)
    except ValidationError as error:
        raise QueryValidationError(error.detail) from None
    if body is not None:
        data = request.data
        takes_viewer = viewer is not None and VIEWER_FIELD in body.fields
        if takes_viewer and isinstance(data, Mapping) and GROUP_FIELD not in data:
            data = {VIEWER_FIELD: viewer, **data}  # the permission has seen to it that `data` names nobody else
        return dict(body.run_validation(data))
    return values


# Names that other systems have for the fields of an event.
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
