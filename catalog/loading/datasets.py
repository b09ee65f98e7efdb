"""A whole data set into Postgres: one transaction, the same result when it is done twice."""

import time
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from catalog.dataset import Dataset
from catalog.errors import CatalogError
from catalog.loading.events import Progress, lock_if_empty, merge_events, replace_events
from catalog.loading.made_rows import narrow_notes
from catalog.loading.movies import load_movies
from catalog.services.demo import RemovedDemo, check_demo_ids, delete_demo_rows, lock_demo
from catalog.services.undo.made import MadeRecords
from catalog.services.versions import bump_all, bump_data_set

_IMPORT_LOCK = 5_270_401  # any number, the same in every process


@dataclass(frozen=True)
class LoadReport:
    """What a load read and changed."""

    name: str
    movies: int
    credits: int
    tags: int
    viewers: int  # in the data set
    events: int  # rows read
    created: int  # new events
    updated: int  # events with another rating or completion than before
    repeated: int  # rows that state the same event as an earlier row
    removed_demo: RemovedDemo | None
    events_seconds: float  # from the first row read to all indexes built
    seconds: float  # the whole, with the commit

    @property
    def rows_per_s(self) -> float:
        """Events loaded per second."""
        return self.events / self.seconds


def begin_import(cursor: CursorWrapper) -> None:
    """Keep other imports out until the transaction ends, and give it memory. Raises CatalogError while one runs."""
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_IMPORT_LOCK])
    if not cursor.fetchone()[0]:
        raise CatalogError("Another import is running; wait until it has ended, then start this one again.")
    cursor.execute("SET LOCAL maintenance_work_mem = '512MB'; SET LOCAL work_mem = '128MB'")


def load_dataset(
    dataset: Dataset, progress: Progress = lambda what, done, expected: None, made: MadeRecords | None = None
) -> LoadReport:
    """Load movies, people and histories. Raises CatalogError with nothing changed. `made`: is filled.

    The data set wins for what it holds: titles, years, genres, links, tags, credits of its movies. What it does not
    hold stays: other movies, windows, hidden movies, posters and overviews that it lacks. All lists expire.
    """
    started = time.perf_counter()
    with transaction.atomic():
        report = _load(dataset, progress, made and narrow_notes(made, dataset.movies.height))
        progress("committing", 0, None)
    return LoadReport(**report, seconds=time.perf_counter() - started)


def _load(dataset: Dataset, progress: Progress, made: MadeRecords | None) -> dict:
    with connection.cursor() as cursor:
        begin_import(cursor)
        empty = lock_if_empty(cursor, keep_demo=dataset.is_demo)
        removed, first_version = None, _version_above_deleted(cursor)
        if dataset.is_demo:
            check_demo_ids(cursor, dataset)
        else:
            demo = lock_demo(cursor)
            removed = delete_demo_rows(cursor, demo, truncate_events=empty)
            # As above, of those who are removed here.
            first_version = max(first_version, demo.last_version + 1)
        progress("films", 0, None)
        ids_changed = load_movies(cursor, dataset, made)
        started = time.perf_counter()
        load = replace_events if empty else merge_events
        counts = load(cursor, dataset, first_version, progress, made)
        events_seconds = time.perf_counter() - started
        cursor.execute(
            "ANALYZE catalog_watchevent, catalog_viewer, catalog_movie, catalog_credit, catalog_movie_genres"
        )
    if dataset.is_demo or removed or ids_changed:
        bump_data_set()
    else:
        bump_all()
    return {
        "name": dataset.name,
        "movies": dataset.movies.height,
        "credits": dataset.credits.height,
        "tags": dataset.tags.height,
        **counts._asdict(),
        "removed_demo": removed,
        "events_seconds": events_seconds,
    }


def _version_above_deleted(cursor: CursorWrapper) -> int:
    """Return the version of a new viewer: above that of any deleted one, who may have had the same id."""
    cursor.execute("SELECT coalesce(max(version_floor), 0) + 1 FROM catalog_revision")
    return int(cursor.fetchone()[0])
