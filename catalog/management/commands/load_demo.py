"""manage.py load_demo [--viewers N] [--seed S]"""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.demo.simulate import SEED, VIEWER_COUNT
from catalog.errors import CatalogError
from catalog.management.progress import shown_progress
from catalog.plurals import counted
from catalog.services.bulk import DemoThere, load_demo


class Command(BaseCommand):
    help = (
        "Loads the demo into an empty catalogue: real films, simulated viewers with three years of history, labelled "
        "as simulated. Where the demo is loaded already nothing changes; a MovieLens import removes it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--viewers", type=int, default=VIEWER_COUNT, metavar="N", help="How many (%(default)s).")
        parser.add_argument("--seed", type=int, default=SEED, metavar="S", help="Another number, other viewers.")

    def handle(self, *args: Any, viewers: int, seed: int, **options: Any) -> None:
        started = time.perf_counter()
        try:
            with shown_progress(self.stdout) as progress:
                report = load_demo(viewers, seed, progress)
        except CatalogError as error:
            raise CommandError(f"The demo was not loaded. {error}") from error
        if isinstance(report, DemoThere):
            self.stdout.write(
                f"The demo is loaded already: {counted(report.movies, 'film')} and "
                f"{counted(report.viewers, 'simulated viewer')}. Nothing was changed."
            )
            return
        self.stdout.write(
            f"Demo: {counted(report.movies, 'real film')}, {counted(report.credits, 'credit')}; "
            f"{counted(report.viewers, 'viewer')} and {counted(report.events, 'event')}, all SIMULATED: nobody watched "
            "these films here."
        )
        self.stdout.write(self.style.SUCCESS(f"{time.perf_counter() - started:.1f} s."))
