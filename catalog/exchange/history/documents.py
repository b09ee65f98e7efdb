"""JSON as sites write it: the items in it, wherever they stand."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

from catalog.errors import DataFileError
from catalog.exchange.history.dates import Dates
from catalog.exchange.history.rows import HistoryRow, HistorySource, Kind

_FALLBACK_ENCODING = "cp1252"
# Where items stand in an object: the names from the outside in.
_PLACES = (
    ("Items",), ("MediaContainer", "Metadata"), ("response", "data", "data"), ("data", "data"), ("data",), ("items",),
    ("history",),
)  # fmt: skip
# Objects with a list for films, and others of what is none, by the name under which one of them is known.
_FILMS, _OTHERS = "movies", {"shows": "show", "anime": "show", "episodes": "episode", "seasons": "season"}

Item = Mapping[str, Any]


class JsonFormat(NamedTuple):
    """How one kind of document is recognised and read."""

    source: HistorySource
    label: str
    recognises: Callable[[Sequence[Item]], bool]
    read: Callable[[Item, Dates], HistoryRow]
    kind_of: Callable[[str], Kind | None] = lambda path: None  # what the films are, by the file's name
    profile_of: Callable[[Item], str] = lambda item: ""  # whose item it is, in documents of several people
    is_left_out: Callable[[str], bool] = lambda path: False  # by its name a file of an archive says nothing of films


def load_items(file: BinaryIO, name: str, encoding: str | None) -> list[Any] | None:
    """Return the items of a document; None where it has none. Raises DataFileError."""
    content = file.read()
    try:
        document = json.loads(content) if encoding is None else json.loads(content.decode(encoding))
    except UnicodeDecodeError:
        document = _load_old(content, name)
    except (ValueError, RecursionError):
        raise DataFileError(name, None, "is not JSON") from None
    if isinstance(document, list):
        return document
    if isinstance(document, dict) and any(isinstance(document.get(name), list) for name in (_FILMS, *_OTHERS)):
        return _of_all_kinds(document)
    for place in _PLACES:
        found = document
        for part in place:
            found = found.get(part) if isinstance(found, dict) else None
        if isinstance(found, list):
            return found
    return None


def _of_all_kinds(document: Mapping[str, Any]) -> list[Any]:
    items = [*document[_FILMS]] if isinstance(document.get(_FILMS), list) else []
    for name, one in _OTHERS.items():
        listed = document.get(name)
        if isinstance(listed, list):
            items += [{one: item} | item if isinstance(item, dict) and one not in item else item for item in listed]
    return items


def _load_old(content: bytes, name: str) -> Any:
    try:
        return json.loads(content.decode(_FALLBACK_ENCODING, "replace"))
    except (ValueError, RecursionError):
        raise DataFileError(name, None, "is not JSON") from None
