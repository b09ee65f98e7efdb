"""manage.py backup FILE"""

import argparse
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from catalog.management.progress import progress_display
from catalog.plurals import count_noun
from infrastructure import disk_space
from recommender.backup.archive import ArchiveRefused
from recommender.backup.create import create_backup
from recommender.backup.pg_tools import DumpFailed
from recommender.management.foreground import sigterm_as_interrupt


class Command(BaseCommand):
    help = """Write the database (one snapshot), schedules included, and the folders of the models into one file, while
    everything runs. It takes its name when it is complete and was read again. Secrets of the environment, lists in
    Redis, half-done trainings and sessions of the admin are not in it."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="a tar; one that is there is replaced at the end")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        started = time.perf_counter()
        try:
            with sigterm_as_interrupt("no backup was made"), progress_display(self.stdout) as progress:
                backup = create_backup(file.absolute(), progress)
        except (OSError, DatabaseError, DumpFailed, ArchiveRefused) as error:
            problem = disk_space.storage_problem(error, file.absolute())
            raise CommandError(f"No backup was made. {problem.message if problem else error}") from error
        counts, megabytes = backup.facts["counts"], file.stat().st_size / 1e6
        self.stdout.write(
            f"{file}: {count_noun(counts['catalog_movie'], 'film')}, {count_noun(counts['catalog_viewer'], 'viewer')}, "
            f"{count_noun(counts['catalog_watchevent'], 'event')}, "
            f"{count_noun(counts['recommender_modelversion'], 'model version')}; "
            f"{megabytes:,.1f} MB in {time.perf_counter() - started:.1f} s."
        )
        for name, reason in backup.left_out.items():
            self.stderr.write(self.style.WARNING(f"The folder of model {name} is not in it: {reason}."))
        self.stdout.write(f"Seal: {backup.seal}")
