"""The rows of a query's results: SPARQL 1.1 JSON, the query service's plain JSON, and CSV.

The formats: https://www.w3.org/TR/sparql11-results-json/ and https://www.w3.org/TR/sparql11-results-csv-tsv/
"""

import codecs
import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from catalog.csv_records import CsvRecords, parse_record
from catalog.errors import DataFileError
from catalog.movielens.files import DataFile

CHUNK = 1024 * 1024  # characters that are read at once, and the most that a row may have
_BINDINGS = re.compile(r'"bindings"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_UNKNOWN = re.compile(r"\s*\Z|https?://[^/]*/\.well-known/genid/|_:|t[0-9]+\Z")  # blank nodes, as they are written
_TIMEOUT = ("TimeoutException", "SPARQL-QUERY")  # the service writes its error behind the rows
_OUT_OF_TIME = "is not whole: the query service ran out of time. Ask for fewer films, as of a month, and download again"


class Value(NamedTuple):
    """A value, and the language of a text where it is known."""

    text: str
    language: str = ""


class ResultRow(NamedTuple):
    """A row of the results: its number in JSON, its line in CSV. `values`: what is known, by the query's variables."""

    place: str
    values: Mapping[str, Value]


def read_results(file: DataFile) -> Iterator[ResultRow]:
    """Yield the rows. Raises DataFileError where the file is cut, damaged or no result of a query."""
    with file.open() as stream:
        start = stream.read(1000)
    encoding = "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    first = start.decode(encoding, "ignore").lstrip()[:1]
    yield from _json_rows(file, encoding) if first in ("{", "[") else _csv_rows(file)


def _json_rows(file: DataFile, encoding: str) -> Iterator[ResultRow]:
    for number, item in enumerate(_json_items(file, encoding), start=1):
        place = f"{file.label}, row {number}"
        if not isinstance(item, dict):
            raise DataFileError(file.label, None, f"is no result of a query: row {number} is not a JSON object")
        values = {name: value for name, found in item.items() if (value := _to_value(found)) is not None}
        yield ResultRow(place, values)


def _to_value(found: Any) -> Value | None:
    """Return a binding of the results, or a text of the plain form; None for what is not known."""
    if isinstance(found, dict):
        text, language = found.get("value"), found.get("xml:lang", "")
        if found.get("type") == "bnode" or not isinstance(language, str):
            return None
    else:
        text, language = found, ""
    if isinstance(text, bool) or not isinstance(text, str | int | float) or _UNKNOWN.match(str(text)):
        return None
    return Value(str(text), language.lower())


def _json_items(file: DataFile, encoding: str) -> Iterator[Any]:
    """Yield the items of results.bindings, or of a list, while reading: a file may be larger than memory."""
    decoder = json.JSONDecoder()
    with file.open() as stream:
        text = io.TextIOWrapper(stream, encoding, errors="surrogateescape")
        buffer = text.read(CHUNK)
        start = re.match(r"\s*\[", buffer) or _BINDINGS.search(buffer)
        if start is None:
            problem = _OUT_OF_TIME if _has_timeout(buffer) else "is no result of a query: it has no results.bindings"
            raise DataFileError(file.label, None, problem)
        buffer, place, rows = buffer[start.end() :], 0, 0
        while True:
            place = _BETWEEN.match(buffer, place).end()  # type: ignore[union-attr]
            if buffer.startswith("]", place):
                return
            try:
                item, place = decoder.raw_decode(buffer, place)
            except (ValueError, RecursionError) as error:
                more = text.read(CHUNK) if len(buffer) - place < CHUNK else ""
                if not more:
                    problem = f"is cut or damaged after row {rows:,}; download it again"
                    is_late = _has_timeout(buffer[place:])
                    raise DataFileError(file.label, None, _OUT_OF_TIME if is_late else problem) from error
                buffer, place = buffer[place:] + more, 0
                continue
            rows += 1
            yield item


def _csv_rows(file: DataFile) -> Iterator[ResultRow]:
    lines = enumerate(file.lines(), start=1)
    _, first = next(lines, (1, ""))
    names, problem = parse_record(first, ",")
    if problem or len(names) < 2:
        raise DataFileError(file.label, 1, "is no result of a query; download it as JSON or CSV")
    names = [name.strip().removeprefix("?") for name in names]
    for line, cells, problem in CsvRecords(lines, ",", len(names), multiline=range(len(names)), ids=()):
        if _has_timeout("".join(cells)):
            raise DataFileError(file.label, line, _OUT_OF_TIME)
        if problem or len(cells) != len(names):
            wrong = problem or f"it has {len(cells)} fields where {len(names)} belong"
            raise DataFileError(file.label, line, f"is cut or damaged ({wrong}); download it again")
        values = {name: Value(cell) for name, cell in zip(names, cells, strict=True) if not _UNKNOWN.match(cell)}
        yield ResultRow(f"{file.label}, line {line}", values)


def _has_timeout(text: str) -> bool:
    return any(word in text for word in _TIMEOUT)
