"""manage.py import_rows KIND FILE"""

import argparse
import csv
import gzip
import shutil
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Self, TextIO, cast

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import CatalogError, MappingError
from catalog.exchange.csv_header import Columns
from catalog.exchange.row_files import FileFormat, read_rows
from catalog.exchange.row_import import Rejection, batched, import_rows
from catalog.exchange.row_schemas import COLUMNS, RowKind
from catalog.exchange.text_encoding import ENCODINGS, GZIP_MAGIC, python_encoding
from catalog.management.progress import progress_display
from catalog.selectors import may_bring_genres

HELP = """Import films, people, genres, viewers or events from a JSONL or CSV file; docs/api.md has the fields of each.

FILE may be gzipped; - is standard input. A CSV is separated by comma, semicolon, tab or |, and in UTF-8, UTF-16 with
its mark, or what --encoding says. Each row is validated alone and a row sent twice counts once, so an
import that was interrupted can be started again. Rejected rows are written to a CSV with line, field and reason."""


class Command(BaseCommand):
    """Imports rows of a kind from a file."""

    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("kind", type=RowKind, choices=list(RowKind), metavar="KIND", help=", ".join(RowKind))
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--form",
            type=FileFormat,
            choices=list(FileFormat),
            help="Needed where the file's name does not end in the format.",
        )
        parser.add_argument("--encoding", choices=sorted(ENCODINGS), help="Where it is neither UTF-8 nor says its own.")
        parser.add_argument(
            "--create-genres",
            action="store_true",
            help="Of films: make genres that are new. A catalogue without any gets them in any case.",
        )
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="FIELD=COLUMN,…",
            help="Which column is which field: user_id=customer,movie_id=sku. Unknown columns are left out.",
        )
        parser.add_argument(
            "--set", action="append", default=[], metavar="FIELD=VALUE,…", help="What every row has: kind=rating."
        )
        parser.add_argument("--rejected", type=Path, metavar="FILE", help="Default: FILE.rejected.csv.")

    def handle(self, *args: Any, kind: RowKind, file: Path, form: FileFormat | None, **options: Any) -> None:
        report = options["rejected"] or Path(f"{'stdin' if file == Path('-') else file}.rejected.csv")
        name = file.name.removesuffix(".gz")
        file_format = form or next((known for known in FileFormat if name.endswith(f".{known}")), None)
        if file_format is None:
            raise CommandError(f"{file} ends neither in .jsonl nor in .csv: name the form with --form.")
        try:
            columns = COLUMNS[kind].mapped(options["map"], options["set"])
        except MappingError as error:
            raise CommandError(str(error)) from None
        try:
            stored, duplicates, rejected = self._import(kind, file, file_format, columns, report, options)
        except (CatalogError, OSError, EOFError, zlib.error) as error:
            message = f"{error}. What came before is stored: mend it and import the whole file again."
            raise CommandError(message) from error
        self.stdout.write(f"{kind}: {stored:,} stored, {duplicates:,} there already, {rejected:,} rejected.")
        if rejected:
            raise CommandError(f"{report} has the rejected rows with line, field and reason.")

    def _import(
        self,
        kind: RowKind,
        file: Path,
        file_format: FileFormat,
        columns: Columns,
        report: Path,
        options: Mapping[str, Any],
    ) -> tuple[int, int, int]:
        """Import all rows. Returns how many were stored, existed already, were rejected."""
        stored = duplicates = rejected = 0
        with (
            _open_source(file) as source,
            RejectedRowsFile(report) as rejected_rows,
            progress_display(self.stdout) as progress,
        ):
            python_name = options["encoding"] and python_encoding(options["encoding"])
            create_genres = options["create_genres"] or may_bring_genres()  # for the whole file
            rows = read_rows(source, file_format, str(file), columns=columns, encoding=python_name)
            for batch in batched(rows):
                result = import_rows(kind, batch, trust_times=True, create_genres=create_genres)
                stored, duplicates = stored + result.stored, duplicates + result.duplicates
                rejected += result.rejected
                rejected_rows.write(result.rejections)
                progress(kind, stored + duplicates + rejected, None)
        return stored, duplicates, rejected


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
    with TemporaryFile() if file == Path("-") else file.open("rb") as source:
        if file == Path("-"):
            shutil.copyfileobj(sys.stdin.buffer, source)
            source.seek(0)
        packed = source.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        source.seek(0)
        yield cast(BinaryIO, gzip.GzipFile(fileobj=source)) if packed else cast(BinaryIO, source)
