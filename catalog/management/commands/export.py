"""manage.py export KIND [FILE]"""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from catalog.exchange.row_export import export_rows
from catalog.exchange.row_files import WRITTEN_FORMATS, FileFormat
from catalog.exchange.row_schemas import RowKind
from infrastructure.atomic_files import atomic_file


class Command(BaseCommand):
    """Exports all rows of a kind to a file."""

    help = "Write all films, people, genres, viewers or events to a file that import_rows reads again."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("kind", type=RowKind, choices=list(RowKind), metavar="KIND", help=", ".join(RowKind))
        parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="Default: standard output.")
        parser.add_argument(
            "--form",
            type=FileFormat,
            choices=list(WRITTEN_FORMATS),
            default=FileFormat.JSONL,
            help="%(default)s if not named.",
        )

    def handle(self, *args: Any, kind: RowKind, file: Path | None, form: FileFormat, **options: Any) -> None:
        text = export_rows(kind, form)
        if file is None:
            self.stdout.ending = ""
            for piece in text:
                self.stdout.write(piece)
            return
        with atomic_file(file) as out:
            out.writelines(piece.encode() for piece in text)
        self.stderr.write(f"{file} has all {kind}.")
