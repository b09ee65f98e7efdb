"""Columns into the rows of Postgres' binary COPY, without a Python object a row."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

HEADER = struct.pack(">11sii", b"PGCOPY\n\xff\r\n\0", 0, 0)
TRAILER = struct.pack(">h", -1)
_EPOCH = 946_684_800  # unix seconds of 2000-01-01, where Postgres counts its microseconds from
_TYPES: dict[type[pl.DataType], str] = {pl.Int16: ">i2", pl.Int32: ">i4", pl.Int64: ">i8", pl.Float32: ">f4"}


def to_pg_timestamps(seconds: pl.Expr) -> pl.Expr:
    """Unix seconds as timestamptz is stored."""
    return (seconds - _EPOCH) * 1_000_000


def pack_rows(columns: Sequence[pl.Series]) -> bytes:
    """Rows of smallint, integer, bigint and real columns; null is null.

    All rows are laid out with equal length; where only some values of a column are null, the bytes of those are
    then cut out.
    """
    height = len(columns[0])
    fields: list[tuple[str, str]] = [("count", ">i2")]
    for place, column in enumerate(columns):
        fields.append((f"length{place}", ">i4"))
        if column.null_count() < height:
            fields.append((f"value{place}", _TYPES[type(column.dtype)]))
    layout = np.dtype(fields)
    places: Mapping[str, Any] = layout.fields or {}  # name -> (type, offset)
    rows = np.empty(height, dtype=layout)
    rows["count"] = len(columns)
    holes: list[tuple[np.ndarray, int, int]] = []
    for place, column in enumerate(columns):
        value = f"value{place}"
        if value not in places:
            rows[f"length{place}"] = -1
            continue
        size, offset = places[value][0].itemsize, places[value][1]
        nulls = column.is_null().to_numpy() if column.null_count() else None
        rows[value] = column.fill_null(0).to_numpy() if nulls is not None else column.to_numpy()
        rows[f"length{place}"] = size if nulls is None else np.where(nulls, -1, size)
        if nulls is not None:
            holes.append((nulls, offset, offset + size))
    return rows.tobytes() if not holes else _cut_holes(rows, holes)


def _cut_holes(rows: np.ndarray, holes: Iterable[tuple[np.ndarray, int, int]]) -> bytes:
    table = rows.view(np.uint8).reshape(len(rows), -1)  # [rows, bytes of a row]
    keep = np.ones(table.shape, dtype=bool)
    for nulls, start, end in holes:
        keep[:, start:end] &= ~nulls[:, None]
    return table[keep].tobytes()
