"""JSON in and out, as strict as the documents say: no NaN, no half characters, no depth that breaks a reader."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        body = stream.read()
        try:
            data = json.loads(body, parse_constant=_refuse_constant, object_pairs_hook=_unique_names)
            if b"\\u" in body:  # an escape can write half a character, which no answer could repeat
                json.dumps(data, ensure_ascii=False).encode()
        except RecursionError:
            raise ParseError("The body is nested too deeply.") from None
        except ValueError as error:  # not JSON, not UTF-8, a number of thousands of digits
            raise ParseError(f"The body is not valid JSON in UTF-8: {_short_message(error)}") from None
        return data


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of a name that stands twice one value would be lost."""
    found = dict(pairs)
    if len(found) != len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"an object names {twice[:60]!a} twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _short_message(error: ValueError) -> str:
    return str(error) if isinstance(error, json.JSONDecodeError) else str(error)[:100]


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, media_type: str | None = None, context: Mapping[str, Any] | None = None) -> bytes:
        return b"" if data is None else json_bytes(data)


def json_bytes(data: Any) -> bytes:
    try:
        return orjson.dumps(data)
    except TypeError:  # a number beyond 64 bits, as an error may repeat it
        return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
