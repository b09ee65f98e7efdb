"""manage.py import_history VIEWER FILE"""

import argparse
import csv
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import CatalogError
from catalog.exchange.history.dates import DateOrder
from catalog.exchange.history.importing import HistoryReport, UnmatchedRow, import_history, match_rows, store_history
from catalog.exchange.history.reading import ReadOptions, read_history
from catalog.exchange.history.rows import LIST_KINDS
from catalog.exchange.text_encoding import ENCODINGS, python_encoding
from catalog.keys import VIEWER_KEY_RULE, Key, parse_key
from catalog.plurals import count_noun
from catalog.selectors import has_demo
from catalog.services import MadeRecords, StepCounts, open_journal


class Command(BaseCommand):
    """Imports a person's own export into a viewer's history."""

    help = """Import a person's own file into a viewer's history: an archive as it came or a single file of Letterboxd,
    IMDb, Trakt, Netflix, Prime Video, Plex (Tautulli), Jellyfin, Simkl or Movary. Rows without a matching film are
    written to FILE.unmatched.csv."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("viewer", metavar="VIEWER", help="The viewer's id; an unknown viewer is created.")
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--encoding", choices=sorted(ENCODINGS), help="Where it is neither UTF-8 nor says its own.")

        parser.add_argument("--kind", choices=[*LIST_KINDS], help="What the films of a list are.")
        parser.add_argument("--date-order", choices=[*DateOrder], help="Of dates like 03/04/2021.")
        parser.add_argument("--profile", default="", help="Whose rows are read, of a file of several people.")
        parser.add_argument("--dry-run", action="store_true", help="Store nothing; say what would be stored.")

    def handle(
        self,
        *args: Any,
        viewer: str,
        file: Path,
        encoding: str | None,
        kind: str | None,
        date_order: str | None,
        profile: str,
        dry_run: bool,
        **options: Any,
    ) -> None:
        key = parse_key(viewer)
        if key is None:
            raise CommandError(f"There can be no such viewer: {VIEWER_KEY_RULE}")
        if has_demo():
            self.stdout.write(
                "The demo is loaded: what you import now is removed with it, as soon as films of your own come."
            )
        said = ReadOptions(
            str(file),
            encoding and python_encoding(encoding),
            LIST_KINDS[kind] if kind else None,
            DateOrder(date_order) if date_order else None,
            profile,
        )
        try:
            with file.open("rb") as source:
                report = self._import(key, source, said, dry_run)
        except (CatalogError, OSError) as error:
            raise CommandError(f"Nothing was imported. {error}") from error
        self.stdout.write(
            f"{report.source}: {count_noun(report.rows, 'row')}, {report.by_id:,} found by id and {report.by_title:,} "
            f"by title and year; {count_noun(report.stored, 'event')} {'would be ' if dry_run else ''}stored, "
            f"{report.duplicates:,} there already."
        )
        if report.events:
            self.stdout.write("It says: " + ", ".join(f"{name} {count:,}" for name, count in report.events.items()))
        for left in (one for one in report.files if one.left_out):
            self.stdout.write(f"{left.name} was left out: it {left.left_out}.")
        if report.unmatched:
            path = file.with_name(f"{file.name}.unmatched.csv")
            with path.open("w", newline="") as out:
                csv.writer(out).writerows([UnmatchedRow._fields, *report.unmatched])
            self.stdout.write(
                f"{path} has the {count_noun(len(report.unmatched), 'row')} that were left out, with the reason."
            )

    def _import(self, viewer: Key, file: BinaryIO, said: ReadOptions, dry_run: bool) -> HistoryReport:
        if dry_run:
            return import_history(viewer, file, said, dry_run=True)
        history = read_history(file, said)
        matches = match_rows(history.rows)

        def store(made: MadeRecords) -> tuple[HistoryReport, StepCounts]:
            report = store_history(viewer, history, matches, made=made)
            return report, StepCounts(report.stored, report.duplicates, len(report.unmatched))

        with open_journal("history", "import_history") as journal:
            report = journal.write(store, is_last=True)
            how = journal.how_to_undo()
        if how:
            self.stdout.write(how)
        return report
