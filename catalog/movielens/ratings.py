"""The ratings, read and checked block by block: 25 million rows are never in memory together."""

import codecs
import io
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
import polars as pl

from catalog.dataset import RATING
from catalog.errors import DataFileError
from catalog.limits import MAX_ID
from catalog.movielens.files import DataFile

BLOCK_SIZE = 8 * 1024 * 1024  # bytes of text a chunk
MAX_TIMESTAMP = 4_102_444_800  # unix seconds: 2100-01-01
_NUMBERS = {"userId": pl.Int64, "movieId": pl.Int64, "rating": pl.Float64, "timestamp": pl.Int64}


def read_ratings(file: DataFile, movie_ids: np.ndarray) -> Iterator[pl.DataFrame]:
    """Yield frames of catalog.dataset.EVENTS, in the order of the file. `movie_ids` int[n]: the movies of the set.

    Raises DataFileError with file and line at the first row that cannot be right.
    """
    known = np.zeros(int(movie_ids.max()) + 1, dtype=bool)
    known[movie_ids] = True
    with file.open() as stream:
        header, line = _header(file, stream)
        empty = True
        for block in _blocks(stream):
            if file.label.endswith(".dat"):
                block = block.replace(b"::", b",")
            rows = _parse(file, header, block, line)
            _check(file, rows, known, line)
            empty = empty and not rows.height
            line += rows.height
            yield rows.select(
                viewer=pl.col("userId").cast(pl.Int32),
                movie=pl.col("movieId").cast(pl.Int32),
                kind=pl.lit(RATING, pl.Int16),
                rating=pl.col("rating").cast(pl.Float32),
                completion=pl.lit(None, pl.Float32),
                occurred_at=pl.col("timestamp"),
            )
    if empty:
        raise DataFileError(file.label, line, "holds no ratings")


def expected_rows(file: DataFile) -> int:
    """Estimate the number of ratings from the file's size: a MovieLens rating takes about 25 bytes of text."""
    return file.size // 25


def _header(file: DataFile, stream: BinaryIO) -> tuple[list[str], int]:
    """Read the column names, and return them with the number of the first line of data."""
    if file.label.endswith(".dat"):
        return list(_NUMBERS), 1
    first = stream.readline().removeprefix(b"\xef\xbb\xbf")
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataFileError(file.label, 1, "is UTF-16 text; convert the file to UTF-8")
    names = first.decode("utf-8", "replace").strip().split(",")
    missing = [name for name in _NUMBERS if name not in names]
    if missing:
        present = ", ".join(names)[:200] or "nothing"
        raise DataFileError(file.label, 1, f"column {' and '.join(missing)} is missing; it has {present}")
    return names, 2


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield blocks of about BLOCK_SIZE bytes, cut at line ends."""
    rest = b""
    while chunk := stream.read(BLOCK_SIZE):
        lines, end, rest_of_chunk = chunk.rpartition(b"\n")
        if not end:
            rest += chunk
            continue
        yield rest + lines + end
        rest = rest_of_chunk
    if rest.strip():
        yield rest + b"\n"


def _parse(file: DataFile, header: list[str], block: bytes, line: int) -> pl.DataFrame:
    block = block.rstrip(b"\r\n") + b"\n"
    rows = _parse_numbers(header, block)
    if rows is None:
        lines = block.split(b"\n")
        place = _first_invalid(header, lines[:-1])
        raise DataFileError(file.label, line + place, _line_problem(header, lines[place]))
    return rows


def _parse_numbers(header: list[str], block: bytes) -> pl.DataFrame | None:
    """Parse the block, or return None where a line is not a row of numbers.

    Integers may be written 862.0, as pandas does.
    """
    rows = _read(header, block, _NUMBERS)
    if rows is not None:
        return rows
    rows = _read(header, block, dict.fromkeys(_NUMBERS, pl.Float64))
    if rows is None:
        return None
    integers = [name for name, dtype in _NUMBERS.items() if dtype == pl.Int64]
    fits = rows.select(
        (pl.col(integers).is_finite() & (pl.col(integers).abs() < 2**53) & (pl.col(integers) % 1 == 0)).all()
    )
    return rows.cast(_NUMBERS) if all(fits.row(0)) else None  # type: ignore[arg-type]


def _read(header: list[str], block: bytes, kinds: Mapping[str, Any]) -> pl.DataFrame | None:
    try:
        rows = pl.read_csv(
            io.BytesIO(block),
            has_header=False,
            schema={name: kinds.get(name, pl.String) for name in header},
            quote_char=None,
        )
    except pl.exceptions.PolarsError:
        return None
    rows = rows.select(list(_NUMBERS))
    if rows.height != block.count(b"\n") or any(rows.null_count().row(0)):
        return None
    return rows


def _first_invalid(header: list[str], lines: list[bytes]) -> int:
    """Find the first line that is no row, by bisection with the parser that refused the block. Returns its index."""
    good, bad = 0, len(lines)
    while bad - good > 1:
        middle = (good + bad) // 2
        if _parse_numbers(header, b"\n".join(lines[good:middle]) + b"\n") is None:
            bad = middle
        else:
            good = middle
    return good


def _line_problem(header: list[str], line: bytes) -> str:
    fields = line.decode("utf-8", "replace").strip("\r").split(",")
    if len(fields) != len(header):
        return f"has {len(fields)} fields where {len(header)} belong"
    return f"{', '.join(fields)[:100]!r} is not {', '.join(header)} in numbers"


def _check(file: DataFile, rows: pl.DataFrame, is_known: np.ndarray, line: int) -> None:
    """Check the values of the rows. Raises DataFileError at the first impossible one."""
    user, movie, rating, time = (rows[name].to_numpy() for name in _NUMBERS)
    half_stars = rating * 2
    unknown = ~is_known[np.clip(movie, 0, len(is_known) - 1)] | (movie < 1) | (movie >= len(is_known))
    bad_rating = ~((half_stars >= 1) & (half_stars <= 10) & (half_stars == np.floor(half_stars)))
    rules = (
        ((user < 1) | (user > MAX_ID), user, f"userId {{}} is not between 1 and {MAX_ID}"),
        (unknown, movie, "film {} does not stand in the file of films"),
        (bad_rating, rating, "rating {} is not among 0.5, 1, 1.5 … 5"),
        ((time < 0) | (time > MAX_TIMESTAMP), time, "timestamp {} is not unix seconds between 1970 and 2100"),
    )
    firsts = [(int(wrong.argmax()), values, message) for wrong, values, message in rules if wrong.any()]
    if firsts:
        row, values, message = min(firsts, key=lambda first: first[0])
        raise DataFileError(file.label, line + row, message.format(values[row]))
