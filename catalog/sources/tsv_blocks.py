"""Tables separated by tabs, read block by block: millions of rows are never in memory together."""

import io
from collections.abc import Iterator, Sequence

import polars as pl

from catalog.errors import DataFileError
from catalog.movielens.files import DataFile

BLOCK_SIZE = 8 * 1024 * 1024  # bytes of text


def read_blocks(
    file: DataFile, columns: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[pl.DataFrame, int]]:
    """Yield (rows, the line of the first) with these columns as text; `\\N` is null, and quotes are literal.

    Raises DataFileError naming the file, and the line where there is one.
    """
    with file.open() as stream:
        header = stream.readline().removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").rstrip("\r\n").split("\t")
        missing = [name for name in columns if name not in header]
        if missing:
            present = ", ".join(header)[:200] or "nothing"
            raise DataFileError(file.label, 1, f"column {' and '.join(missing)} is missing; it has {present}")
        wanted = [*columns, *(name for name in optional if name in header)]
        line, rest = 2, b""
        while chunk := stream.read(BLOCK_SIZE):
            lines, end, tail = chunk.rpartition(b"\n")
            if not end:
                rest += chunk
                if len(rest) > 4 * BLOCK_SIZE:
                    raise DataFileError(file.label, line, "is longer than any row can be; download the file again")
                continue
            rows, count = _parse(file, header, wanted, rest + lines + end, line)
            yield rows, line
            line, rest = line + count, tail
        if rest.strip():
            yield _parse(file, header, wanted, rest + b"\n", line)[0], line


def _parse(
    file: DataFile, header: Sequence[str], wanted: Sequence[str], block: bytes, line: int
) -> tuple[pl.DataFrame, int]:
    """Return the rows of a block and how many lines it has."""
    if b"\0" in block:
        block = block.replace(b"\0", b"")  # no text has one, and Postgres refuses it
    count = block.count(b"\n")
    rows = _read(header, wanted, block)
    if rows is None:
        raise _line_error(file, header, wanted, block.split(b"\n")[:-1], line)
    return rows, count


def _line_error(
    file: DataFile, header: Sequence[str], wanted: Sequence[str], lines: Sequence[bytes], line: int
) -> DataFileError:
    """Find the first line that is no row, by bisection with the parser that refused the block."""
    good, bad = 0, len(lines)
    while bad - good > 1:
        middle = (good + bad) // 2
        rows = _read(header, wanted, b"\n".join(lines[good:middle]) + b"\n")
        good, bad = (good, middle) if rows is None else (middle, bad)
    fields = lines[good].count(b"\t") + 1
    wrong = f"has {fields} fields where {len(header)} belong" if fields != len(header) else "is not UTF-8 text"
    return DataFileError(file.label, line + good, f"{wrong}; download the file again")


def _read(header: Sequence[str], wanted: Sequence[str], block: bytes) -> pl.DataFrame | None:
    """Parse a block; None where a line has too many or too few fields, or is not UTF-8."""
    count = block.count(b"\n")
    if block.count(b"\t") != count * (len(header) - 1):
        return None
    try:
        rows = pl.read_csv(
            io.BytesIO(block),
            has_header=False,
            separator="\t",
            quote_char=None,
            null_values="\\N",
            schema=dict.fromkeys(header, pl.String),
            columns=[header.index(name) for name in wanted],
        )
    except pl.exceptions.PolarsError:
        return None
    return rows if rows.height == count else None
