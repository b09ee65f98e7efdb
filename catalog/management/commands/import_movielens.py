"""manage.py import_movielens PATH [--people FILE]"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.dataset import Dataset
from catalog.errors import CatalogError
from catalog.loading import LoadReport, Progress, load_dataset
from catalog.management.progress import progress_display
from catalog.movielens import read_movielens
from catalog.plurals import count_noun
from catalog.services import MadeRecords, StepCounts, open_journal

HELP = """Import a data set of MovieLens or MovieTweetings: films, genres, links, tags, people and ratings.

PATH is a zip or a folder of any release: 100K, 1M, 10M, 20M, 25M, 32M, latest, HetRec 2011, MovieTweetings.
Everything is loaded in one transaction: after an error, which names file and line, the database is as it was.
Importing the same set again changes nothing; a newer one adds and updates. The labelled demo is removed first."""
PEOPLE = """A CSV, plain or .gz, with movieId, imdbId, tmdbId, actors, directors, overview, poster_url.
Names are separated by |. Films that the set does not have are passed over."""


class Command(BaseCommand):
    """Imports a data set of MovieLens or MovieTweetings."""

    help = HELP

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH", help="The zip or folder of the data set.")
        parser.add_argument("--people", type=Path, metavar="FILE", help=PEOPLE)

    def handle(self, *args: Any, path: Path, people: Path | None, **options: Any) -> None:
        started = time.perf_counter()
        try:
            dataset = read_movielens(path, people)
            for note in dataset.notes:
                self.stdout.write(note)
            with progress_display(self.stdout) as progress:
                report, how = self._import(dataset, progress)
        except CatalogError as error:
            raise CommandError(f"Nothing was imported. {error}") from error
        for line in (*_describe(report), how):
            if line:
                self.stdout.write(line)
        seconds = time.perf_counter() - started
        self.stdout.write(self.style.SUCCESS(f"{seconds:.1f} s, {report.events / seconds:,.0f} ratings a second."))

    def _import(self, dataset: Dataset, progress: Progress) -> tuple[LoadReport, str]:
        """Import the data set as a job. Returns what came of it, and how it is taken back."""
        with open_journal("movielens", "import_movielens") as journal:

            def show(what: str, done: int, expected: int | None) -> None:
                progress(what, done, expected)
                journal.report_progress(what, done, expected)

            def write(made: MadeRecords) -> tuple[LoadReport, StepCounts]:
                report = load_dataset(dataset, show, made)
                stored = report.created + report.updated
                return report, StepCounts(stored, report.events - stored, 0)

            report = journal.write(write, is_last=True)
            for line in (*dataset.notes, *_describe(report)):
                journal.log(line)
            return report, journal.how_to_undo()


def _describe(report: LoadReport) -> Iterator[str]:
    """Yield the lines of a report."""
    if report.removed_demo:
        demo = report.removed_demo
        removed = f"{count_noun(demo.movies, 'film')} and {count_noun(demo.viewers, 'simulated viewer')}"
        yield f"Removed the demo: {removed}."
    counts = ", ".join(
        count_noun(number, noun)
        for number, noun in (
            (report.movies, "film"),
            (report.credits, "credit"),
            (report.tags, "tag"),
            (report.viewers, "viewer"),
            (report.events, "rating"),
        )
    )
    yield f"{report.name}: {counts} ({report.created:,} new, {report.updated:,} changed, {report.repeated:,} repeated)."
