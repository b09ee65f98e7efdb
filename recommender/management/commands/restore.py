"""manage.py restore FILE [--check] [--replace]"""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from catalog.management.progress import progress_display
from recommender.backup import restore
from recommender.backup.archive import ArchiveRefused
from recommender.backup.pg_tools import DumpFailed
from recommender.cache import CacheUnavailable
from recommender.management.foreground import sigterm_as_interrupt
from recommender.registry import artifacts


class Command(BaseCommand):
    help = """Put a backup back, into an empty system or, with --replace, in place of everything that is there. Stop the
    web processes, workers and beat first. The file is read to its end before anything is touched; what fails leaves
    everything as it was."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="as `backup` wrote it")
        parser.add_argument("--check", action="store_true", help="only read it and list what is in it")
        parser.add_argument("--replace", action="store_true", help="also where there are films, viewers or staff")

    def handle(self, *args: Any, file: Path, check: bool, replace: bool, **options: Any) -> None:
        refusals = (ArchiveRefused, restore.RestoreRefused, DumpFailed, CacheUnavailable)
        try:
            with sigterm_as_interrupt("everything is as it was"), progress_display(self.stdout) as progress:
                manifest = (
                    restore.check_backup(file, progress)
                    if check
                    else restore.restore_backup(file, progress, replace=replace)
                )
        except (*refusals, OSError, DatabaseError) as error:
            raise CommandError(f"Nothing was restored. {error}") from error
        if not check:
            try:
                restore.finalise(manifest)
            except (OSError, DatabaseError, CacheUnavailable) as error:
                raise CommandError(
                    "Database and models are restored; the rest failed. Once the reason is gone, restore again "
                    f"(--replace), or run `./run manage prepare`. {error}"
                ) from error
        self._print_manifest(manifest)
        for name, (former, current) in restore.differing_settings(manifest).items():
            self.stderr.write(self.style.WARNING(f"{name} was {former} then and is {current} now: lists may differ."))
        if not check:
            self._print_next_steps(manifest)

    def _print_manifest(self, manifest: dict[str, Any]) -> None:
        origin = f"by movierec {manifest['movierec']} on Postgres {manifest['postgres']}"
        self.stdout.write(f"Made {manifest['made_at']} {origin}:")
        for table, count in manifest["counts"].items():
            self.stdout.write(f"  {table:40} {count:12,}")
        self.stdout.write(f"  active model: {manifest['active_model'] or 'none'}")

    def _print_next_steps(self, manifest: dict[str, Any]) -> None:
        active = manifest["active_model"]
        if active and not artifacts.is_loadable(active):
            self.stderr.write(
                self.style.WARNING(
                    f"The folder of the active model {active} is not there, whole and in this version's format: train "
                    "anew (`manage.py train`)."
                )
            )
        self.stdout.write(self.style.SUCCESS("Restored. Start the system; `./run manage prepare` fills the lists."))
        self.stdout.write(
            f"Not known to the backup of {manifest['made_at']}: viewers erased since, who are back (erase them again), "
            "and keys or staff closed since (`manage.py api_key list`)."
        )
