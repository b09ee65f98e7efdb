"""Rows of Postgres' binary COPY from columns, without a Python object a row."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

HEADER = struct.pack(">11sii", b"PGCOPY\n\xff\r\n\0", 0, 0)
TRAILER = struct.pack(">h", -1)
_EPOCH = 946_684_800  # unix seconds of 2000-01-01, where Postgres counts its microseconds from
_TYPES: dict[type[pl.DataType], str] = {pl.Int16: ">i2", pl.Int32: ">i4", pl.Int64: ">i8", pl.Float32: ">f4"}


def to_pg_timestamps(seconds: pl.Expr) -> pl.Expr:
    """Convert unix seconds to timestamptz as it is stored."""
    return (seconds - _EPOCH) * 1_000_000


def pack_rows(columns: Sequence[pl.Series]) -> bytes:
    """Pack smallint, integer, bigint and real columns into rows; null is null.

    All rows are laid out with equal length; where only some values of a column are null, their bytes are cut out
    afterwards.
    """
    height = len(columns[0])
    fields: list[tuple[str, str]] = [("count", ">i2")]
    for index, column in enumerate(columns):
        fields.append((f"length{index}", ">i4"))
        if column.null_count() < height:
            fields.append((f"value{index}", _TYPES[type(column.dtype)]))
    layout = np.dtype(fields)
    offsets: Mapping[str, Any] = layout.fields or {}  # name -> (type, offset)
    rows = np.empty(height, dtype=layout)
    rows["count"] = len(columns)
    holes: list[tuple[np.ndarray, int, int]] = []
    for index, column in enumerate(columns):
        value = f"value{index}"
        if value not in offsets:
            rows[f"length{index}"] = -1
            continue
        size, offset = offsets[value][0].itemsize, offsets[value][1]
        nulls = column.is_null().to_numpy() if column.null_count() else None
        rows[value] = column.fill_null(0).to_numpy() if nulls is not None else column.to_numpy()
        rows[f"length{index}"] = size if nulls is None else np.where(nulls, -1, size)
        if nulls is not None:
            holes.append((nulls, offset, offset + size))
    if not holes:
        return rows.tobytes()
    table = rows.view(np.uint8).reshape(height, -1)  # [rows, bytes of a row]
    keep = np.ones(table.shape, dtype=bool)
    for nulls, start, end in holes:
        keep[:, start:end] &= ~nulls[:, None]
    return table[keep].tobytes()
