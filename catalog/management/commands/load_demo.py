"""manage.py load_demo [--viewers N] [--seed S]"""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.demo.simulation import SEED, VIEWER_COUNT
from catalog.errors import CatalogError
from catalog.loading import DemoExists, load_demo
from catalog.management.progress import progress_display
from catalog.plurals import count_noun


class Command(BaseCommand):
    """Loads the demo into an empty catalogue."""

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
            with progress_display(self.stdout) as progress:
                report = load_demo(viewers, seed, progress)
        except CatalogError as error:
            raise CommandError(f"The demo was not loaded. {error}") from error
        if isinstance(report, DemoExists):
            self.stdout.write(
                f"The demo is loaded already: {count_noun(report.movies, 'film')} and "
                f"{count_noun(report.viewers, 'simulated viewer')}. Nothing was changed."
            )
            return
        self.stdout.write(
            f"Demo: {count_noun(report.movies, 'real film')}, {count_noun(report.credits, 'credit')}; "
            f"{count_noun(report.viewers, 'viewer')} and {count_noun(report.events, 'event')}, all SIMULATED: "
            "nobody watched these films here."
        )
        self.stdout.write(self.style.SUCCESS(f"{time.perf_counter() - started:.1f} s."))
