"""The files that TMDB's data comes in: tables and JSON, known by their columns and not by their names."""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import IntEnum
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import is_zipfile

from catalog.csv_records import CsvRecords, Line, parse_record
from catalog.errors import DataFileError
from catalog.movielens.files import DataFile, data_files, single_file
from catalog.sources.tmdb.rows import Row

MAX_LINE = 16_000_000  # characters: a film with all that the API can append has up to two million
MAX_DOCUMENT = 64_000_000  # characters of a JSON file that is no JSON lines
_LOOKED_AT = 50  # rows of a JSON file, to know what it is
_DELIMITERS = ",;\t|"
_NO_UTF8 = re.compile("[\udc80-\udcff]")
_SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson")


class Kind(IntEnum):
    """What a file says, in the order in which they are read."""

    LINKS = 1  # of MovieLens: which film at TMDB is which at IMDb
    ANSWERS = 2  # of the API
    FILMS = 3
    IDS = 4
    CREDITS = 5
    KEYWORDS = 6


class TmdbFile(NamedTuple):
    """A file and what it is."""

    kind: Kind
    file: DataFile


class BrokenLine(NamedTuple):
    """A row that cannot be read."""

    file: str
    line: int
    problem: str


def find_files(path: Path) -> tuple[list[TmdbFile], list[str]]:
    """Return the files of TMDB's data, in reading order, and the names of the others. Raises DataFileError."""
    is_single = path.is_file() and not is_zipfile(path)
    files = {path.name: single_file(path)} if is_single else data_files(path)[1]
    known: list[TmdbFile] = []
    others: list[str] = []
    for name, file in sorted(files.items()):
        kind = None
        if len(files) == 1:
            kind = _kind(file)
        elif name.lower().removesuffix(".gz").endswith(_SUFFIXES):
            with suppress(DataFileError):  # somebody else's file beside them
                kind = _kind(file)
        if kind is None:
            others.append(name)
        else:
            known.append(TmdbFile(kind, file))
    return sorted(known, key=lambda found: found.kind), others


def read_file(file: DataFile) -> Iterator[Row | BrokenLine]:
    """Yield the rows of a file. Raises DataFileError where it is damaged as a whole."""
    with _lines(file) as lines:
        number, first = next(((number, line) for number, line in lines if line.strip()), (1, ""))
        if first.lstrip().startswith(("{", "[")):
            yield from _json_rows(file, _chain((number, first), lines))
        elif first:
            with _large_cells():
                yield from _csv_rows(file, number, first, lines)


def _kind(file: DataFile) -> Kind | None:
    with _lines(file) as lines:
        first = next((line for _, line in lines if line.strip()), "")
    if first.lstrip().startswith(("{", "[")):
        values = (row.values for row in islice(read_file(file), _LOOKED_AT) if isinstance(row, Row))
        film = next((value for value in values if "id" in value and {"title", "original_title"} & {*value}), None)
        return None if film is None else Kind.ANSWERS if "title" in film else Kind.IDS
    names = set(_header(first)[0])
    if {"tmdbId", "imdbId"} <= names:
        return Kind.LINKS
    if not names & {"id", "movie_id"}:
        return None
    if {"cast", "crew"} <= names and "overview" not in names:
        return Kind.CREDITS
    if names & {"title", "original_title"} and names & {"genres", "overview", "release_date", "imdb_id"}:
        return Kind.FILMS
    return Kind.KEYWORDS if "keywords" in names else None


def _header(line: str) -> tuple[list[str], str]:
    """Return the names of the columns and what separates them."""
    tried = ((parse_record(line, delimiter)[0], delimiter) for delimiter in _DELIMITERS)
    cells, delimiter = max(tried, key=lambda header: len(header[0]))
    return [cell.strip() for cell in cells], delimiter


def _csv_rows(file: DataFile, number: int, first: str, lines: Iterator[Line]) -> Iterator[Row | BrokenLine]:
    names, delimiter = _header(first)
    ids = [place for place, name in enumerate(names) if name in ("id", "movie_id", "movieId")]
    records = CsvRecords(lines, delimiter, len(names), multiline=range(len(names)), ids=ids)
    # A film whose overview was not quoted stands in several rows, each too short: the line's end is in a cell of it.
    held: list[str] = []
    held_line = 0
    for line, cells, problem in records:
        goes_on = not problem and len(cells) < len(names) and len(held) + len(cells) - 1 <= len(names)
        if held and not goes_on:
            yield _short(file, held_line, held, names)
            held = []
        if problem:
            yield BrokenLine(file.label, line, problem)
        elif len(cells) < len(names):
            if held:
                held = [*held[:-1], f"{held[-1]}\n{cells[0]}", *cells[1:]]
            else:
                held, held_line = cells, line
            if len(held) == len(names):
                yield _to_row(file, held_line, names, held)
                held = []
        elif len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
            yield BrokenLine(file.label, line, f"has {len(cells)} cells where the first line names {len(names)}")
        else:
            yield _to_row(file, line, names, cells)
    if held:
        yield _short(file, held_line, held, names)


def _short(file: DataFile, line: int, cells: Sequence[str], names: Sequence[str]) -> BrokenLine:
    return BrokenLine(file.label, line, f"has {len(cells)} cells where the first line names {len(names)}")


def _to_row(file: DataFile, line: int, names: Sequence[str], cells: Sequence[str]) -> Row | BrokenLine:
    if any(_NO_UTF8.search(cell) for cell in cells if not cell.isascii()):
        return BrokenLine(file.label, line, "is not UTF-8 text; convert the file to UTF-8")
    return Row(file.label, line, dict(zip(names, cells, strict=False)))


def _json_rows(file: DataFile, lines: Iterator[Line]) -> Iterator[Row | BrokenLine]:
    """Yield the objects of JSON lines, of a list with an object a line, or of one document."""
    has_object = False
    for number, line in lines:
        text = line.strip().rstrip(",")
        if text in ("", "[", "]"):
            continue
        if not text.isascii() and _NO_UTF8.search(text):
            yield BrokenLine(file.label, number, "is not UTF-8 text; convert the file to UTF-8")
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            if not has_object:
                yield from _document(file)
                return
            yield BrokenLine(file.label, number, "is not JSON")
            continue
        has_object = True
        yield from _objects(file, number, value)


def _document(file: DataFile) -> Iterator[Row | BrokenLine]:
    """Yield the objects of a file that is JSON as a whole. Raises DataFileError."""
    with file.open() as stream:
        content = stream.read(MAX_DOCUMENT + 1)
    if len(content) > MAX_DOCUMENT:
        raise DataFileError(file.label, None, "is no JSON lines; write one film a line (jq -c '.[]' does it)")
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataFileError(file.label, None, f"is neither JSON nor JSON lines ({error})") from error
    yield from _objects(file, 1, value)


def _objects(file: DataFile, line: int, value: Any) -> Iterator[Row | BrokenLine]:
    """Yield an object; of a list, and of a page of the API's, each."""
    if isinstance(value, dict) and "id" not in value and isinstance(value.get("results"), list):
        value = value["results"]
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield Row(file.label, line, item)
        else:
            yield BrokenLine(file.label, line, "is not a JSON object")


@contextmanager
def _lines(file: DataFile) -> Iterator[Iterator[Line]]:
    """Open a file as numbered lines: UTF-8, or UTF-16 with its mark. A line that is too long is cut."""
    with file.open() as stream:
        start = stream.read(2)
    encoding = "utf-16" if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    with file.open() as stream:
        text = io.TextIOWrapper(
            stream, encoding, errors="replace" if encoding == "utf-16" else "surrogateescape", newline=""
        )
        yield _numbered(text)


def _numbered(text: io.TextIOWrapper) -> Iterator[Line]:
    number = 0
    while line := text.readline(MAX_LINE):
        number += 1
        yield number, line
        while len(line) == MAX_LINE and not line.endswith("\n"):
            line = text.readline(MAX_LINE)


def _chain(first: Line, lines: Iterator[Line]) -> Iterator[Line]:
    yield first
    yield from lines


@contextmanager
def _large_cells() -> Iterator[None]:
    """Let csv read cells of any length of a line: the cast of a film is longer than it takes otherwise."""
    before = csv.field_size_limit(MAX_LINE)
    try:
        yield
    finally:
        csv.field_size_limit(before)
