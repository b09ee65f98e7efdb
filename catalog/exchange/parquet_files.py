"""Parquet files of rows, read by a program of its own (catalog/exchange/parquet_program.py)."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO

from catalog.errors import DataFileError
from catalog.exchange.csv_header import Columns, check_columns

PARQUET_MAGIC = b"PAR1"
PROGRAM = Path(__file__).with_name("parquet_program.py")
TOO_LONG = "!too_long"  # a member of a row that had a cell which was left out
PANDAS_INDEX = "__index_level_"  # how the columns begin that pandas adds where it writes its row numbers
DAMAGED = "cannot be read: it is damaged, or it needs more memory than there is"


def parquet_values(
    file: BinaryIO, name: str, columns: Columns, max_rows: int | None = None
) -> Iterator[dict[str, Any] | str]:
    """Yield the fields of each row; in their place why they cannot be read. A null says nothing of its field.

    Raises DataFileError: before the first row for columns that are not those of their kind, and for more than
    `max_rows` rows.
    """
    with _path_of(file) as path, _running(path) as program:
        assert program.stdin is not None
        about = _read(program, name)
        if max_rows is not None and about["rows"] > max_rows:
            raise DataFileError(name, None, f"has more than {max_rows:,} rows: send it in parts")
        names = [column for column in about["columns"] if not column.startswith(PANDAS_INDEX)]
        names += about["members"] if columns.mapping else []
        check_columns(names, columns, name, None)
        field_by_column = {
            column: field
            for column, field in zip(names, columns.mapping.fields_of(names, columns.is_known), strict=True)
            if field is not None
        }
        program.stdin.write(json.dumps([*field_by_column]).encode() + b"\n")
        program.stdin.close()
        while (row := _read(program, name)) is not None:
            if row.pop(TOO_LONG, False):
                yield "has a text that is too long"
                continue
            values = {field_by_column[column]: value for column, value in row.items() if value is not None}
            yield {field: _without_nulls(value) for field, value in values.items()} | {**columns.mapping.constants}


def _without_nulls(value: Any) -> Any:
    """Leave nulls out, within lists and structures: a Parquet file has a null where JSON has nothing."""
    if isinstance(value, Mapping):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(item) for item in value if item is not None] if isinstance(value, list) else value


def _read(program: subprocess.Popen[bytes], name: str) -> Any:
    """Read a line of the program; None at its good end. Raises DataFileError."""
    assert program.stdout is not None
    line = program.stdout.readline()
    if line.startswith(b"!"):
        raise DataFileError(name, None, f"cannot be read as Parquet: {line[1:].decode(errors='replace').strip()}")
    if line.endswith(b"\n"):
        return json.loads(line)
    if line or program.wait() != 0:
        raise DataFileError(name, None, DAMAGED)
    return None


@contextmanager
def _running(path: str) -> Iterator[subprocess.Popen[bytes]]:
    program = subprocess.Popen(
        [sys.executable, "-P", str(PROGRAM), path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"POLARS_MAX_THREADS": "2"},
    )
    with program:
        try:
            yield program
        finally:
            program.kill()


@contextmanager
def _path_of(file: BinaryIO) -> Iterator[str]:
    """Return a path that the program can read the file at."""
    if isinstance(name := getattr(file, "name", None), str) and Path(name).is_file() and _is_parquet(Path(name)):
        yield name
        return
    with NamedTemporaryFile(suffix=".parquet") as copy:
        file.seek(0)
        shutil.copyfileobj(file, copy)
        copy.flush()
        yield copy.name


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC
