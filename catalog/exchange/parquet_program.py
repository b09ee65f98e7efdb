"""A program of its own that writes the rows of a Parquet file as lines of JSON: no web process may load polars.

It writes a line about the file, reads the names of the columns that are wanted, and writes a line for each row. A line
that begins with `!` says why it cannot go on.
"""

import json
import sys
from collections.abc import Mapping
from typing import cast

import polars as pl

CHUNK_ROWS, WRITTEN_ROWS = 20_000, 1_000  # read at a time, and written at a time
MAX_CELL_LENGTH = 100_000  # bytes of a text
TOO_LONG = "!too_long"  # a column that is true where a cell was left out
SEPARATOR = "."  # between the names of a member of a structure


def main(path: str) -> None:
    """Write the rows of a file."""
    frame = pl.scan_parquet(path, glob=False, hive_partitioning=False, missing_columns="raise")
    schema = frame.collect_schema()
    members = _members(schema)
    rows = frame.select(pl.len()).collect().item()
    _write({"columns": list(schema), "members": [name for name in members if name not in schema], "rows": rows})
    wanted = json.loads(sys.stdin.readline())
    long = [members[name][0].str.len_bytes() > MAX_CELL_LENGTH for name in wanted if members[name][1] == pl.String]
    columns = [_to_json(*members[name]).alias(name) for name in wanted]
    columns += [pl.any_horizontal(long).fill_null(False).alias(TOO_LONG)] if long else []
    for chunk in frame.select(columns).collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True):
        for part in chunk.iter_slices(WRITTEN_ROWS):
            part.write_ndjson(sys.stdout.buffer)


def _members(schema: Mapping[str, pl.DataType]) -> dict[str, tuple[pl.Expr, pl.DataType]]:
    """Return the columns, and the members of those that are structures, by name; a column wins."""
    members = {name: (pl.col(name), dtype) for name, dtype in schema.items()}
    waiting = list(members.items())
    for name, (column, dtype) in waiting:
        if isinstance(dtype, pl.Struct):
            for member in dtype.fields:
                path = f"{name}{SEPARATOR}{member.name}"
                if path not in members:
                    members[path] = (column.struct.field(member.name), cast(pl.DataType, member.dtype))
                    waiting.append((path, members[path]))
    return members


def _to_json(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return a column as JSON has it: moments as text in UTC, whole decimals as their digits, no NaN."""
    if isinstance(dtype, pl.Datetime):
        in_utc = column.dt.convert_time_zone("UTC") if dtype.time_zone else column
        return in_utc.dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    if dtype == pl.String:
        return pl.when(column.str.len_bytes() <= MAX_CELL_LENGTH).then(column)
    if isinstance(dtype, pl.Decimal):
        return column.cast(pl.Float64) if dtype.scale else column.cast(pl.String)
    if dtype.is_float():
        return pl.when(column.is_finite()).then(column)
    if isinstance(dtype, pl.Categorical | pl.Enum) or dtype in (pl.Binary, pl.Date, pl.Time, pl.Duration):
        return column.cast(pl.String)
    return column


def _write(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except pl.exceptions.PolarsError as error:
        sys.stdout.write(f"!{str(error).splitlines()[0][:300]}\n")
