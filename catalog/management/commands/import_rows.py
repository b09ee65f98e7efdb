"""manage.py import_rows KIND FILE"""

import argparse
import csv
import gzip
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self, TextIO, cast

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import CatalogError
from catalog.exchange.bring_in import Rejected, blocks, bring_in
from catalog.exchange.files import Form, read_rows
from catalog.exchange.rows import Kind, columns_of
from catalog.management.progress import shown_progress

HELP = """Bring films, people, viewers or events in from a JSONL or CSV file; docs/api.md has the fields of each.

FILE may be gzipped (.gz); - is standard input. Each row is judged alone and a row sent twice counts once, so an import
that was broken off is started again. Rejected rows are written to a CSV with line, field and reason."""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("kind", type=Kind, choices=list(Kind), metavar="KIND", help=", ".join(Kind))
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--form", type=Form, choices=list(Form), help="Where the file's name does not tell.")
        parser.add_argument("--rejected", type=Path, metavar="FILE", help="Default: FILE.rejected.csv.")

    def handle(self, *args: Any, kind: Kind, file: Path, form: Form | None, **options: Any) -> None:
        report = options["rejected"] or Path(f"{'stdin' if file == Path('-') else file}.rejected.csv")
        try:
            stored, duplicates, rejected = self._import(kind, file, form or _form(file), report)
        except (CatalogError, OSError, EOFError, gzip.BadGzipFile) as error:
            words = f"{error}. What came before is stored: mend it and import the whole file again."
            raise CommandError(words) from error
        self.stdout.write(f"{kind}: {stored:,} stored, {duplicates:,} there already, {rejected:,} rejected.")
        if rejected:
            raise CommandError(f"{report} has the rejected rows with line, field and reason.")

    def _import(self, kind: Kind, file: Path, form: Form, report: Path) -> tuple[int, int, int]:
        stored = duplicates = rejected = 0
        with _opened(file) as source, Report(report) as told, shown_progress(self.stdout) as progress:
            for block in blocks(read_rows(source, form, str(file), columns_of(kind))):
                outcome = bring_in(kind, block)
                stored, duplicates = stored + outcome.stored, duplicates + outcome.duplicates
                rejected += outcome.rejected
                told.write(outcome.reasons)
                progress(kind, stored + duplicates + rejected, None)
        return stored, duplicates, rejected


class Report:
    """The file of rejected rows, which is only there if there are any."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: TextIO | None = None

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)  # of an import before
        return self

    def write(self, reasons: Iterable[Rejected]) -> None:
        for reason in reasons:
            if self.file is None:
                self.file = self.path.open("w", newline="")
                csv.writer(self.file).writerow(Rejected._fields)
            csv.writer(self.file).writerow(reason)

    def __exit__(self, *error: object) -> None:
        if self.file is not None:
            self.file.close()


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if file == Path("-"):
        yield sys.stdin.buffer
    elif file.suffix == ".gz":
        with gzip.open(file) as source:
            yield cast(BinaryIO, source)
    else:
        with file.open("rb") as source:
            yield source


def _form(file: Path) -> Form:
    name = file.name.removesuffix(".gz")
    for form in Form:
        if name.endswith(f".{form}"):
            return form
    raise CommandError(f"{file} ends neither in .jsonl nor in .csv: name the form with --form.")
