"""A source of films into the catalogue: onto the films that are there, without doubling them. One transaction."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from catalog.loading.datasets import begin_import
from catalog.loading.events import Progress, lock_out_readers
from catalog.loading.film_facts import (
    GenreReport,
    complete_films,
    insert_films,
    write_availability,
    write_genres,
    write_tags,
    write_translations,
)
from catalog.loading.film_matching import MatchReport, match_films
from catalog.loading.film_people import PeopleReport, write_people
from catalog.loading.index_rebuild import is_table_empty
from catalog.loading.made_rows import narrow_notes
from catalog.loading.movies import advance_sequence, copy_frame, create_staged_table
from catalog.services.demo import RemovedDemo, delete_demo_rows, lock_demo
from catalog.services.get_or_create import lock_catalogue_writers
from catalog.services.undo.made import MadeRecords
from catalog.services.versions import bump_all, bump_data_set
from catalog.sources.film_source import SCHEMAS, FilmSource, Part, Table


@dataclass(frozen=True)
class ImportOptions:
    """What an import may do beside filling what the catalogue does not know."""

    add: bool = True  # films that the catalogue lacks are added
    overwrite: bool = False  # what the source says wins over what is there, but for ids and genres
    create_genres: bool = False  # genres that the catalogue lacks are created, also where it has some
    imdb_keys: bool = False  # a new film's id is its id at IMDb, in place of the next free number
    dry_run: bool = False  # nothing is written


@dataclass
class FilmReport:
    """What an import of films read and changed; of a dry run only what it would match and add."""

    name: str
    films: int = 0  # in the source, each once
    matches: MatchReport = field(default_factory=MatchReport)
    added: int = 0
    updated: int = 0  # films that were there and have more facts now
    genres: GenreReport = field(default_factory=GenreReport)
    people: PeopleReport = field(default_factory=PeopleReport)
    tags: int = 0
    translations: int = 0
    available: int = 0  # countries of films
    removed_demo: RemovedDemo | None = None
    seconds: float = 0.0

    @property
    def has_changed(self) -> bool:
        """Say whether anything was written."""
        counts = (self.added, self.updated, self.genres.links, self.people.changes, self.tags, self.translations)
        return any(counts) or bool(self.available) or self.removed_demo is not None


def import_films(
    source: FilmSource,
    options: ImportOptions | None = None,
    progress: Progress = lambda what, done, expected: None,
    made: MadeRecords | None = None,
) -> FilmReport:
    """Merge a source of films into the catalogue. Raises CatalogError with nothing changed.

    Films that are there keep what they have; what they lack is filled. Twice gives the same. `made`: is filled.
    """
    options, started = options or ImportOptions(), time.perf_counter()
    report = FilmReport(source.name)
    with transaction.atomic():
        with connection.cursor() as cursor:
            begin_import(cursor)
            _stage(cursor, source, progress)
            # From here on no other writer may create the films that are matched now.
            lock_catalogue_writers()
            progress("matching", 0, None)
            report.films, report.matches = match_films(cursor)
            may_add = options.add and source.may_add
            report.added = report.films - report.matches.films - report.matches.ambiguous if may_add else 0
            if options.dry_run:
                transaction.set_rollback(True)
            else:
                _write(cursor, source, options, report, progress, made)
                if made is not None and not report.has_changed:
                    made.unrecorded = ""
        progress("committing", 0, None)
    report.seconds = time.perf_counter() - started
    return report


def _stage(cursor: CursorWrapper, source: FilmSource, progress: Progress) -> None:
    """Copy the source into temporary tables: a thread reads the next part while the server takes in the one before."""
    for table, schema in SCHEMAS.items():
        create_staged_table(cursor, table, schema)
    parts: Iterator[Part] = source.read()
    done = dict.fromkeys(Table, 0)
    with ThreadPoolExecutor(1) as reader:
        pending = reader.submit(next, parts, None)
        while (part := pending.result()) is not None:
            pending = reader.submit(next, parts, None)
            if part.rows.height:
                copy_frame(cursor, part.table, part.rows)
            done[part.table] += part.lines_read
            progress(part.table.removeprefix("staged_"), done[part.table], None)
    for table in SCHEMAS:
        cursor.execute(f"ANALYZE {table}")


def _write(
    cursor: CursorWrapper,
    source: FilmSource,
    options: ImportOptions,
    report: FilmReport,
    progress: Progress,
    made: MadeRecords | None,
) -> None:
    made = made and narrow_notes(made, report.added + report.matches.films)
    demo = lock_demo(cursor)
    report.removed_demo = delete_demo_rows(cursor, demo, truncate_events=False)
    if report.removed_demo:
        # A viewer who comes later under one of these ids begins above every version that a cached list may carry.
        cursor.execute("UPDATE catalog_revision SET version_floor = greatest(version_floor, %s)", [demo.last_version])
    if is_table_empty(cursor, "catalog_movie"):
        lock_out_readers(cursor)  # its indexes are built over all rows afterwards
    progress("writing films", 0, None)
    advance_sequence(cursor, "catalog_movie")
    if options.add and source.may_add:
        insert_films(cursor, imdb_keys=options.imdb_keys, made=made)
    report.updated = complete_films(cursor, overwrite=options.overwrite)
    progress("writing genres", 0, None)
    report.genres = write_genres(cursor, create=options.create_genres, made=made)
    report.tags = write_tags(cursor, made)
    progress("writing people", 0, None)
    report.people = write_people(cursor, source.person_ids, overwrite=options.overwrite, made=made)
    progress("writing titles", 0, None)
    report.translations = write_translations(cursor, overwrite=options.overwrite)
    report.available = write_availability(cursor, overwrite=options.overwrite)
    if made is not None:
        made.changed += report.updated
    if report.has_changed:
        cursor.execute("ANALYZE catalog_movie, catalog_credit, catalog_person, catalog_movie_genres")
        if report.removed_demo:
            bump_data_set()
        else:
            bump_all()
    cursor.execute(f"DROP TABLE film_of, ambiguous, {', '.join(SCHEMAS)}")
