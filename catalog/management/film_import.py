"""What the commands that import films of other sites have in common: options, progress and report."""

import argparse
import time
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import CatalogError
from catalog.loading import FilmReport, ImportOptions, Progress, import_films
from catalog.management.progress import progress_display
from catalog.plurals import count_noun
from catalog.services import MadeRecords, StepCounts, open_journal
from catalog.sources.film_source import FilmSource

MAX_NAMES = 12  # of genres in the report


class FilmImportCommand(BaseCommand):
    """Imports films of another site onto those that are there."""

    def create_parser(self, *args: Any, **kwargs: Any) -> Any:
        return super().create_parser(*args, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be matched and added.")
        parser.add_argument(
            "--existing-only", action="store_true", help="Only complete films that are there; add none."
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="The source wins over what is there, but for ids and genres."
        )
        parser.add_argument("--create-genres", action="store_true", help="Create genres that the catalogue lacks.")
        parser.add_argument(
            "--keys",
            choices=["numbers", "imdb"],
            default="numbers",
            help="Ids of new films: the next free numbers (default), or their ids at IMDb.",
        )

    def open_source(self, options: dict[str, Any]) -> FilmSource:
        """Open what the arguments name. Raises CatalogError."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.perf_counter()
        import_options = ImportOptions(
            add=not options["existing_only"],
            overwrite=options["overwrite"],
            create_genres=options["create_genres"],
            imdb_keys=options["keys"] == "imdb",
            dry_run=options["dry_run"],
        )
        try:
            source = self.open_source(options)
            with progress_display(self.stdout) as progress:
                if import_options.dry_run:
                    report = import_films(source, import_options, progress)
                    lines = [*source.notes, *_describe(report, dry_run=True)]
                else:
                    lines = self._import(source, import_options, progress)
        except CatalogError as error:
            raise CommandError(f"Nothing was imported. {error}") from error
        for line in lines:
            self.stdout.write(line)
        self.stdout.write(self.style.SUCCESS(f"{time.perf_counter() - started:.1f} s."))

    def _import(self, source: FilmSource, options: ImportOptions, progress: Progress) -> list[str]:
        """Import the source as a job. Returns the lines of the report."""
        command = type(self).__module__.rpartition(".")[2]
        with open_journal(command.removeprefix("import_"), command) as journal:

            def show(what: str, done: int, expected: int | None) -> None:
                progress(what, done, expected)
                journal.report_progress(what, done, expected)

            def write(made: MadeRecords) -> tuple[FilmReport, StepCounts]:
                report = import_films(source, options, show, made)
                there = report.matches.films - report.updated
                return report, StepCounts(report.added + report.updated, there, report.matches.ambiguous)

            report = journal.write(write, is_last=True)
            lines = [*source.notes, *_describe(report, dry_run=False)]
            for line in lines:
                journal.log(line)
            how = journal.how_to_undo()
        return [*lines, how] if how else lines


def _describe(report: FilmReport, *, dry_run: bool) -> Iterator[str]:
    """Yield the lines of a report."""
    if report.removed_demo:
        demo = report.removed_demo
        removed = f"{count_noun(demo.movies, 'film')} and {count_noun(demo.viewers, 'simulated viewer')}"
        yield f"Removed the demo: {removed}."
    matches = report.matches
    yield (
        f"{report.name}: {count_noun(report.films, 'film')}, of which {matches.films:,} are there "
        f"({matches.by_imdb:,} by IMDb id, {matches.by_tmdb:,} by TMDB id, {matches.by_title:,} by title and year)."
    )
    if matches.repeated:
        yield f"{count_noun(matches.repeated, 'film')} stood there again under the same id, left out."
    if matches.ambiguous:
        yield (
            f"{count_noun(matches.ambiguous, 'film')} left out, as the catalogue has such a title (and year), "
            f"and it is not sure which is meant: {'; '.join(matches.examples)}. Give those films their ids, then "
            "import again."
        )
    if dry_run:
        yield f"Nothing was written. It would add {count_noun(report.added, 'film')}."
        return
    yield from _describe_written(report)


def _describe_written(report: FilmReport) -> Iterator[str]:
    people = report.people
    counts = [
        count_noun(report.added, "new film"),
        f"{count_noun(report.updated, 'film')} completed",
        count_noun(people.people, "new person", "new people"),
        f"{count_noun(people.recognised, 'person', 'people')} recognised",
        count_noun(people.credits, "credit"),
        count_noun(report.tags, "tag"),
        count_noun(report.translations, "translated title"),
    ]
    if report.available:
        counts.append(f"{count_noun(report.available, 'country', 'countries')} of availability")
    yield f"{', '.join(counts)}."
    if report.genres.created:
        yield f"New genres: {_names(report.genres.created)}."
    if report.genres.unknown:
        unknown = [f"{name} ({films:,})" for name, films in report.genres.unknown.items()]
        yield (
            f"Genres that the catalogue lacks were left out: {_names(unknown)}. Make them aliases of genres that "
            "it has, or import with --create-genres."
        )


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:MAX_NAMES])
    return f"{shown} and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else shown
