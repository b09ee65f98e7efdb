"""manage.py import_history VIEWER FILE"""

import argparse
import csv
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import CatalogError
from catalog.exchange.history_import import UnmatchedRow, import_history
from catalog.exchange.text_encoding import ENCODINGS, python_encoding
from catalog.keys import VIEWER_KEY_RULE, parse_key
from catalog.plurals import count_noun
from catalog.selectors import has_demo


class Command(BaseCommand):
    """Imports a person's own export into a viewer's history."""

    help = """Import a person's own export into a viewer's history: IMDb ratings, Letterboxd diary, watched or ratings
    (CSV), Trakt history or ratings (JSON). Rows without a matching film are written to FILE.unmatched.csv."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("viewer", metavar="VIEWER", help="The viewer's id; an unknown viewer is created.")
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--encoding", choices=sorted(ENCODINGS), help="Where it is neither UTF-8 nor says its own.")

    def handle(self, *args: Any, viewer: str, file: Path, encoding: str | None, **options: Any) -> None:
        key = parse_key(viewer)
        if key is None:
            raise CommandError(f"There can be no such viewer: {VIEWER_KEY_RULE}")
        if has_demo():
            self.stdout.write(
                "The demo is loaded: what you import now is removed with it, as soon as films of your own come."
            )
        try:
            with file.open("rb") as source:
                report = import_history(key, source, encoding and python_encoding(encoding))
        except (CatalogError, OSError) as error:
            raise CommandError(f"Nothing was imported. {error}") from error
        self.stdout.write(
            f"{report.source}: {count_noun(report.rows, 'row')}, {report.by_id:,} found by id and {report.by_title:,} "
            f"by title and year; {count_noun(report.stored, 'event')} stored, {report.duplicates:,} there already."
        )
        if report.unmatched:
            path = file.with_name(f"{file.name}.unmatched.csv")
            with path.open("w", newline="") as out:
                csv.writer(out).writerows([UnmatchedRow._fields, *report.unmatched])
            self.stdout.write(
                f"{path} has the {count_noun(len(report.unmatched), 'row')} that were left out, with the reason."
            )
