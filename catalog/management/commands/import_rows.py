"""manage.py import_rows KIND FILE"""

import argparse
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import CatalogError
from catalog.exchange.dry_run import DryRun
from catalog.exchange.row_files import FileFormat
from catalog.exchange.row_import import ImportResult, import_rows
from catalog.exchange.row_schemas import COLUMNS, RowKind
from catalog.exchange.text_blocks import Batch, rows_of
from catalog.exchange.text_encoding import ENCODINGS, python_encoding
from catalog.management.progress import progress_display
from catalog.management.row_files import RejectedRowsFile, open_rows
from catalog.plurals import count_noun
from catalog.selectors import may_bring_genres
from catalog.services import MadeRecords, StepCounts, open_journal

HELP = """Import films, people, genres, viewers or events from a JSONL, CSV or Parquet file; docs/api.md has the
fields of each.

FILE may be gzipped; - is standard input. A CSV is separated by comma, semicolon, tab or |, and in UTF-8, UTF-16 with
its mark, or what --encoding says. Each row is validated alone and a row sent twice counts once, so an
import that was interrupted can be started again. Rejected rows are written to a CSV with line, field and reason."""


BROKEN_OFF = "What came before is stored: mend it and import the whole file again."
Count = Callable[[int, int | None], None]  # called with how many rows are done, and how many are expected


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
        parser.add_argument("--dry-run", action="store_true", help="Say what would become of the rows; write nothing.")
        parser.add_argument("--rejected", type=Path, metavar="FILE", help="Default: FILE.rejected.csv.")

    def handle(self, *args: Any, kind: RowKind, file: Path, form: FileFormat | None, **options: Any) -> None:
        report = options["rejected"] or Path(f"{'stdin' if file == Path('-') else file}.rejected.csv")
        try:
            columns = COLUMNS[kind].mapped(options["map"], options["set"])
            encoding = options["encoding"] and python_encoding(options["encoding"])
            with (
                open_rows(kind, file, form, columns, encoding) as batches,
                RejectedRowsFile(report) as rejected_rows,
                progress_display(self.stdout) as progress,
            ):
                create_genres = options["create_genres"] or may_bring_genres()  # for the whole file
                run = self._judge if options["dry_run"] else self._import
                rejected = run(kind, batches, create_genres, rejected_rows, partial(progress, kind))
        except (CatalogError, OSError, EOFError, zlib.error) as error:
            raise CommandError(str(error)) from error
        if rejected:
            raise CommandError(f"{report} has the rejected rows with line, field and reason.")

    def _import(
        self,
        kind: RowKind,
        batches: Iterable[Batch],
        create_genres: bool,
        rejected_rows: RejectedRowsFile,
        progress: Count,
    ) -> int:
        """Import all rows. Returns how many were rejected."""
        stored = duplicates = rejected = 0
        how, newcomers = "", set[int]()
        try:
            with open_journal(str(kind), "import_rows") as journal:
                for batch in batches:
                    result = journal.write(partial(_import_batch, kind, batch, create_genres, newcomers))
                    how = journal.how_to_undo()
                    stored, duplicates = stored + result.stored, duplicates + result.duplicates
                    rejected += result.rejected
                    rejected_rows.write(result.rejections)
                    progress(stored + duplicates + rejected, None)
                report = f"{kind}: {stored:,} stored, {duplicates:,} there already, {rejected:,} rejected."
                journal.log(report)
        except (CatalogError, OSError, EOFError, zlib.error) as error:
            raise CatalogError(f"{error}. {BROKEN_OFF}") from error
        finally:
            if how:
                self.stdout.write(how)
        self.stdout.write(report)
        return rejected

    def _judge(
        self,
        kind: RowKind,
        batches: Iterable[Batch],
        create_genres: bool,
        rejected_rows: RejectedRowsFile,
        progress: Count,
    ) -> int:
        """Say what would become of all rows. Returns how many would be rejected."""
        dry_run = DryRun(kind, create_genres=create_genres)
        for batch in batches:
            rejected_rows.write(dry_run.add(rows_of(batch)))
            progress(dry_run.report.rows, None)
        report = dry_run.report
        self.stdout.write(
            f"{kind}: {count_noun(report.rows, 'row')} read. {report.made:,} would be made, "
            f"{report.changed:,} changed, {report.unchanged:,} are there already, {report.rejected:,} rejected. "
            "Nothing was written."
        )
        for what, count, names in (
            ("genres", len(report.new_genres), report.new_genres),
            ("people", report.new_people, report.new_people_names),
            ("viewers", report.new_viewers, []),
        ):
            if count:
                self.stdout.write(
                    f"New {what}: {count:,}{' (' if names else ''}{', '.join(names)}{')' if names else ''}"
                )
        if report.removes_demo:
            self.stdout.write("The demo would be removed.")
        return report.rejected


def _import_batch(
    kind: RowKind, batch: Batch, create_genres: bool, newcomers: set[int], made: MadeRecords
) -> tuple[ImportResult, StepCounts]:
    result = import_rows(kind, batch, newcomers=newcomers, create_genres=create_genres, made=made)
    return result, StepCounts(result.stored, result.duplicates, result.rejected)
