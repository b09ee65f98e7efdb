"""JSON in and out, strictly: no NaN, no half characters, no name twice, no depth that breaks a reader."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer


class StrictJSONParser(BaseParser):
    """Parse a body as JSON in UTF-8, and refuse what another parser would read otherwise."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Return the body's value. Raises ParseError."""
        body = stream.read()
        try:
            data = json.loads(body, parse_constant=_refuse_constant, object_pairs_hook=_unique_names)
            if b"\\u" in body:  # an escape can write half a character, which no answer could repeat
                json.dumps(data, ensure_ascii=False).encode()
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None
        except ValueError as error:  # not JSON, not UTF-8, a number of thousands of digits
            reason = str(error) if isinstance(error, json.JSONDecodeError) else str(error)[:100]
            raise ParseError(f"The body is not valid JSON in UTF-8: {reason}") from None
        return data


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object. Raises ValueError for a name that stands twice: one of its values would be lost."""
    values = dict(pairs)
    if len(values) != len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"an object names {name[:60]!a} twice")
    return values


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


class JSONRenderer(BaseRenderer):
    """Render answers as JSON."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, media_type: str | None = None, context: Mapping[str, Any] | None = None) -> bytes:
        """Return the body; empty for None."""
        return b"" if data is None else json_bytes(data)


def json_bytes(data: Any) -> bytes:
    """Return the data as JSON in UTF-8."""
    try:
        return orjson.dumps(data)
    except TypeError:  # a number beyond 64 bits, as an error may repeat it
        return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
