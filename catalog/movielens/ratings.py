"""The ratings, read and checked block by block: 32 million rows are never in memory together."""

import codecs
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, BinaryIO

import numpy as np
import polars as pl

from catalog.dataset import RATING
from catalog.errors import DataFileError
from catalog.limits import MAX_ID
from catalog.movielens.files import DataFile

BLOCK_SIZE = 8 * 1024 * 1024  # bytes of text a chunk
MAX_TIMESTAMP = 4_102_444_800  # unix seconds: 2100-01-01
_IDS = {"userId": pl.Int64, "movieId": pl.Int64}
_NAMES = {name.lower(): name for name in _IDS}  # HetRec writes userID
_ROW = (*_IDS, "rating", "timestamp")


class Scale(Enum):
    """What the ratings of a file may be."""

    STARS = "among 0.5, 1, 1.5 … 5"
    ZERO_TO_TEN = "a whole number from 0 to 10"


class Clock(Enum):
    """How a file says when a rating was given."""

    SECONDS = "unix seconds; in a CSV also 2005-04-02 23:53:47"
    MILLISECONDS = "unix milliseconds"
    PARTS = "a column for each part of the date"


_DATE = ("date_year", "date_month", "date_day", "date_hour", "date_minute", "date_second")


@dataclass(frozen=True)
class RatingsFormat:
    """How a file of ratings is written. `columns`: of a file that does not name them in its first line."""

    separator: bytes = b","
    columns: tuple[str, ...] = ()
    scale: Scale = Scale.STARS
    clock: Clock = Clock.SECONDS

    def numbers(self) -> dict[str, type[pl.DataType]]:
        """Return the columns that are read, with their types."""
        times = _DATE if self.clock is Clock.PARTS else ("timestamp",)
        return {**_IDS, "rating": pl.Float64, **dict.fromkeys(times, pl.Int64)}


def read_ratings(file: DataFile, movie_ids: np.ndarray, form: RatingsFormat) -> Iterator[pl.DataFrame]:
    """Yield frames of catalog.dataset.EVENTS, in the order of the file. `movie_ids` int[n]: the movies of the set.

    Of a scale to ten half the number are the stars, and 0 is half a star, the least there is. Raises DataFileError with
    file and line at the first row that cannot be right.
    """
    known = np.zeros(int(movie_ids.max()) + 1, dtype=bool)
    known[movie_ids] = True
    rating = pl.col("rating") if form.scale is Scale.STARS else pl.max_horizontal(pl.col("rating") / 2, 0.5)
    with file.open() as stream:
        reader = _Reader(file, form, stream)
        empty = True
        for block in _blocks(file, stream):
            line = reader.line
            rows = reader.parse(block)
            _check(file, form, rows, known, line)
            empty = empty and not rows.height
            yield rows.select(
                viewer=pl.col("userId").cast(pl.Int32),
                movie=pl.col("movieId").cast(pl.Int32),
                kind=pl.lit(RATING, pl.Int16),
                rating=rating.cast(pl.Float32),
                completion=pl.lit(None, pl.Float32),
                occurred_at=pl.col("timestamp"),
            )
    if empty:
        raise DataFileError(file.label, reader.line, "holds no ratings")


def expected_rows(file: DataFile) -> int:
    """Estimate the number of ratings from the file's size: a MovieLens rating takes about 25 bytes of text."""
    return file.size // 25


def _blocks(file: DataFile, stream: BinaryIO) -> Iterator[bytes]:
    """Yield blocks of about BLOCK_SIZE bytes, cut at line ends."""
    rest = b""
    while chunk := stream.read(BLOCK_SIZE):
        lines, end, rest_of_chunk = chunk.rpartition(b"\n")
        if not end:
            rest += chunk
            if len(rest) > 4 * BLOCK_SIZE:
                raise DataFileError(file.label, None, "has a line that is longer than any row; download it again")
            continue
        yield rest + lines + end
        rest = rest_of_chunk
    if rest.strip():
        yield rest + b"\n"


class _Reader:
    """Parses the blocks of a file of ratings. `line`: the number of the next line."""

    def __init__(self, file: DataFile, form: RatingsFormat, stream: BinaryIO) -> None:
        self._file, self._form, self._numbers = file, form, form.numbers()
        self._separator = form.separator if len(form.separator) == 1 else b"\t"
        self._header = list(form.columns) or self._read_header(stream)
        self.line = 1 if form.columns else 2

    def parse(self, block: bytes) -> pl.DataFrame:
        """Return userId, movieId, rating and timestamp of the rows. Raises DataFileError at the first broken line."""
        if self.line == 1:
            block = _without_mark(self._file, block)
        block = block.rstrip(b"\r\n") + b"\n"
        if self._form.separator != self._separator:
            block = block.replace(self._form.separator, self._separator)
        elif self._form.separator == b"," and b'"' in block:
            block = block.replace(b'"', b"")  # no value has one inside
        rows = self._parse_numbers(block)
        if rows is None:
            lines = block.split(b"\n")
            place = self._first_invalid(lines[:-1])
            raise DataFileError(self._file.label, self.line + place, self._line_problem(lines[place]))
        self.line += rows.height
        return rows

    def _read_header(self, stream: BinaryIO) -> list[str]:
        first = _without_mark(self._file, stream.readline())
        cells = first.decode("utf-8", "replace").strip("\r\n").split(self._separator.decode())
        names = [name.strip(' "') for name in cells]
        names = [_NAMES.get(name.lower(), name) for name in names]
        missing = [name for name in self._numbers if name not in names]
        if missing:
            present = ", ".join(names)[:200] or "nothing"
            raise DataFileError(self._file.label, 1, f"column {' and '.join(missing)} is missing; it has {present}")
        return names

    def _parse_numbers(self, block: bytes) -> pl.DataFrame | None:
        """Parse the block, or return None where a line is not a row of numbers.

        Integers may be written 862.0, as pandas does, and times in a CSV as 2005-04-02 23:53:47 in UTC.
        """
        rows = self._read(block, self._numbers)
        if rows is None:
            rows = self._read(block, dict.fromkeys(self._numbers, pl.Float64))
            rows = None if rows is None else _whole(rows, self._numbers)
        if rows is None and self._form.separator == b"," and b":" in block:
            rows = self._read(block, self._numbers | {"timestamp": pl.String})
            rows = None if rows is None else rows.with_columns(_parse_time("timestamp"))
        if rows is None:
            return None
        try:
            rows = rows.with_columns(_seconds(self._form.clock).alias("timestamp")).select(_ROW)
        except pl.exceptions.PolarsError:  # the 31st of February
            return None
        return None if any(rows.null_count().row(0)) else rows

    def _read(self, block: bytes, kinds: Mapping[str, Any]) -> pl.DataFrame | None:
        try:
            rows = pl.read_csv(
                io.BytesIO(block),
                has_header=False,
                separator=self._separator.decode(),
                schema={name: kinds.get(name, pl.String) for name in self._header},
                quote_char=None,
            )
        except pl.exceptions.PolarsError:
            return None
        rows = rows.select(list(self._numbers))
        if rows.height != block.count(b"\n") or any(rows.null_count().row(0)):
            return None
        return rows

    def _first_invalid(self, lines: list[bytes]) -> int:
        """Find the first line that is no row, by bisection with the parser that refused the block; return its index."""
        good, bad = 0, len(lines)
        while bad - good > 1:
            middle = (good + bad) // 2
            if self._parse_numbers(b"\n".join(lines[good:middle]) + b"\n") is None:
                bad = middle
            else:
                good = middle
        return good

    def _line_problem(self, line: bytes) -> str:
        fields = line.decode("utf-8", "replace").strip("\r").split(self._separator.decode())
        if len(fields) != len(self._header):
            return f"has {len(fields)} fields where {len(self._header)} belong"
        return f"{', '.join(fields)[:100]!r} is not {', '.join(self._header)} in numbers"


def _without_mark(file: DataFile, start: bytes) -> bytes:
    """Return the start of a file without its byte order mark. Raises DataFileError where it is of UTF-16."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataFileError(file.label, 1, "is UTF-16 text; convert the file to UTF-8")
    return start.removeprefix(codecs.BOM_UTF8)


def _whole(rows: pl.DataFrame, numbers: Mapping[str, type[pl.DataType]]) -> pl.DataFrame | None:
    integers = [name for name, dtype in numbers.items() if dtype == pl.Int64]
    fits = rows.select(
        (pl.col(integers).is_finite() & (pl.col(integers).abs() < 2**53) & (pl.col(integers) % 1 == 0)).all()
    )
    return rows.cast(dict(numbers)) if all(fits.row(0)) else None  # type: ignore[arg-type]


def _parse_time(column: str) -> pl.Expr:
    date = pl.col(column).str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
    return pl.coalesce(pl.col(column).cast(pl.Int64, strict=False), date.dt.epoch("s")).alias(column)


def _seconds(clock: Clock) -> pl.Expr:
    """Return the time as unix seconds. The parts of HetRec's dates are what clocks showed in Madrid."""
    if clock is Clock.PARTS:
        local = pl.datetime(*(pl.col(name) for name in _DATE))
        return local.dt.replace_time_zone("Europe/Madrid", ambiguous="earliest", non_existent="null").dt.epoch("s")
    time = pl.col("timestamp")
    return pl.when(time > MAX_TIMESTAMP).then(time // 1000).otherwise(time) if clock is Clock.MILLISECONDS else time


def _check(file: DataFile, form: RatingsFormat, rows: pl.DataFrame, is_known: np.ndarray, line: int) -> None:
    """Check the values of the rows. Raises DataFileError at the first impossible one."""
    user, movie, rating, time = (rows[name].to_numpy() for name in _ROW)
    unknown = ~is_known[np.clip(movie, 0, len(is_known) - 1)] | (movie < 1) | (movie >= len(is_known))
    least, most, step = (0.5, 5, 0.5) if form.scale is Scale.STARS else (0, 10, 1)
    steps = rating / step
    bad_rating = ~((rating >= least) & (rating <= most) & (steps == np.floor(steps)))
    rules = (
        ((user < 1) | (user > MAX_ID), user, f"userId {{}} is not between 1 and {MAX_ID}"),
        (unknown, movie, "film {} does not stand in the file of films"),
        (bad_rating, rating, f"rating {{}} is not {form.scale.value}"),
        ((time < 0) | (time > MAX_TIMESTAMP), time, "timestamp {} is not unix seconds between 1970 and 2100"),
    )
    firsts = [(int(wrong.argmax()), values, message) for wrong, values, message in rules if wrong.any()]
    if firsts:
        row, values, message = min(firsts, key=lambda first: first[0])
        raise DataFileError(file.label, line + row, message.format(values[row]))
