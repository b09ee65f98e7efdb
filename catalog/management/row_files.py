"""Files of rows as commands take and leave them."""

import csv
import gzip
import shutil
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Self, TextIO, TypeVar, cast

from catalog.errors import CatalogError
from catalog.exchange.csv_header import Columns
from catalog.exchange.row_files import FileFormat
from catalog.exchange.row_import import Rejection, read_batches
from catalog.exchange.row_schemas import RowKind
from catalog.exchange.text_blocks import Batch
from catalog.exchange.text_encoding import GZIP_MAGIC

STDIN = Path("-")
_T = TypeVar("_T")


@contextmanager
def open_rows(
    kind: RowKind, file: Path, file_format: FileFormat | None, columns: Columns, encoding: str | None
) -> Iterator[Iterator[Batch]]:
    """Open a file of rows, gzipped or not; the name tells the format where none is given. Raises CatalogError."""
    name = file.name.removesuffix(".gz")
    file_format = file_format or next((known for known in FileFormat if name.endswith(f".{known}")), None)
    if file_format is None:
        raise CatalogError(f"{file} ends in none of .jsonl, .csv and .parquet: name the form with --form.")
    with _open_source(file) as source:
        yield _read_ahead(read_batches(kind, source, file_format, str(file), columns=columns, encoding=encoding))


def _read_ahead(items: Iterator[_T]) -> Iterator[_T]:
    """Yield the items; a thread makes the next one while the one before is worked on."""
    with ThreadPoolExecutor(1) as reader:
        pending = reader.submit(next, items, None)
        while (item := pending.result()) is not None:
            pending = reader.submit(next, items, None)
            yield item


class RejectedRowsFile:
    """The file of rejected rows, which is only made if there are any."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: TextIO | None = None

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)  # of an import before
        return self

    def write(self, rejections: Iterable[Rejection]) -> None:
        """Add rows."""
        for rejection in rejections:
            if self.file is None:
                self.file = self.path.open("w", newline="")
                csv.writer(self.file).writerow(Rejection._fields)
            csv.writer(self.file).writerow(rejection)

    def __exit__(self, *error: object) -> None:
        if self.file is not None:
            self.file.close()


@contextmanager
def _open_source(file: Path) -> Iterator[BinaryIO]:
    """Open a file, or standard input, so that it can be read from its beginning again, and unpacked."""
    with TemporaryFile() if file == STDIN else file.open("rb") as source:
        if file == STDIN:
            shutil.copyfileobj(sys.stdin.buffer, source)
            source.seek(0)
        packed = source.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        source.seek(0)
        yield cast(BinaryIO, gzip.GzipFile(fileobj=source)) if packed else cast(BinaryIO, source)
