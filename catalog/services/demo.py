"""The labelled demo: it gives way to the site's own movies and never overwrites them."""

import logging
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from catalog.errors import CatalogError
from catalog.selectors.versions import has_demo
from catalog.services.versions import bump_data_set

if TYPE_CHECKING:
    from catalog.dataset import Dataset

_OF_MOVIES = (
    "catalog_movie_genres",
    "catalog_movietag",
    "catalog_credit",
    "catalog_rule",
    "catalog_movietranslation",
    "catalog_movieavailability",
    "catalog_moviestanding",
)
_OF_GENRES = ("catalog_genrealias", "catalog_genretranslation")
log = logging.getLogger(__name__)


class RemovedDemo(NamedTuple):
    """How many movies and viewers were removed with the demo."""

    movies: int
    viewers: int


class LockedDemo(NamedTuple):
    """The locked movies and viewers of the demo."""

    movies: list[int]
    viewers: list[int]
    last_version: int  # the highest that a cached list of one of these viewers can have


def remove_demo() -> RemovedDemo | None:
    """Remove the demo with all that belongs to it, as the site's own data begins; None where there is no demo.

    The models trained on it end in the same transaction.
    """
    if not has_demo():
        return None
    with transaction.atomic(), connection.cursor() as cursor:
        return remove_demo_in(cursor)


def remove_demo_in(cursor: CursorWrapper) -> RemovedDemo | None:
    """Remove the demo within a transaction, without asking whether there is one."""
    demo = lock_demo(cursor)
    removed = delete_demo_rows(cursor, demo, truncate_events=False)
    bump_data_set()
    # A viewer who comes later under one of these ids begins above every version that a cached list may carry.
    cursor.execute("UPDATE catalog_revision SET version_floor = greatest(version_floor, %s)", [demo.last_version])
    log.info("The demo was removed: %s", removed)
    return removed


def check_demo_ids(cursor: CursorWrapper, dataset: "Dataset") -> None:
    """Check that no id of the demo belongs to a movie or viewer of the site. Raises CatalogError."""
    for table, is_own, ids in (
        ("catalog_movie", "NOT is_demo", dataset.movies["id"]),
        ("catalog_viewer", "NOT is_simulated", dataset.viewers["id"]),
    ):
        cursor.execute(f"SELECT count(*) FROM {table} WHERE {is_own} AND id = ANY(%s::int[])", [ids.to_list()])
        if count := cursor.fetchone()[0]:
            raise CatalogError(
                f"The demo was not loaded: {count} of its ids belong to real rows of {table}. "
                "It is for an empty system; set MOVIEREC_STATE to a new folder to look at it."
            )


def lock_demo(cursor: CursorWrapper) -> LockedDemo:
    """Lock the demo in the order of record_events(): movies, then viewers, by id."""
    cursor.execute("SELECT id FROM catalog_movie WHERE is_demo ORDER BY id FOR UPDATE")
    movies = [movie_id for (movie_id,) in cursor.fetchall()]
    cursor.execute("SELECT id, version FROM catalog_viewer WHERE is_simulated ORDER BY id FOR UPDATE")
    versions = dict(cursor.fetchall())
    return LockedDemo(movies, list(versions), max(versions.values(), default=0))


def delete_demo_rows(cursor: CursorWrapper, demo: LockedDemo, *, truncate_events: bool) -> RemovedDemo | None:
    """Delete the demo's movies and simulated viewers, and the people, genres and tags that only they had.

    Real viewers who had watched a demo movie lose that event, so their version rises. `truncate_events`: no event at
    all is to stay. None where there is no demo.
    """
    movies, viewers, _ = demo
    if not movies and not viewers:
        return None
    cursor.execute(
        """UPDATE catalog_viewer SET version = version + 1, publish_pending = true
           WHERE NOT is_simulated
             AND id IN (SELECT viewer_id FROM catalog_watchevent WHERE movie_id = ANY(%s::int[]))""",
        [movies],
    )
    if truncate_events:
        cursor.execute("TRUNCATE catalog_watchevent")
    else:
        cursor.execute(
            "DELETE FROM catalog_watchevent WHERE movie_id = ANY(%s::int[]) OR viewer_id = ANY(%s::int[])",
            [movies, viewers],
        )
    for table in _OF_MOVIES:
        cursor.execute(f"DELETE FROM {table} WHERE movie_id = ANY(%s::int[])", [movies])
    cursor.execute("DELETE FROM catalog_viewer WHERE id = ANY(%s::int[])", [viewers])
    cursor.execute("DELETE FROM catalog_movie WHERE id = ANY(%s::int[])", [movies])
    for table, link, column in (
        ("catalog_person", "catalog_credit", "person_id"),
        ("catalog_genre", "catalog_movie_genres", "genre_id"),
        ("catalog_tag", "catalog_movietag", "tag_id"),
    ):
        unused = f"NOT EXISTS (SELECT 1 FROM {link} l WHERE l.{column} = t.{{}})".format
        cursor.execute(f"DELETE FROM catalog_rule t WHERE {column} IS NOT NULL AND {unused(column)}")
        for names in _OF_GENRES if table == "catalog_genre" else ():
            cursor.execute(f"DELETE FROM {names} t WHERE {unused(column)}")
        cursor.execute(f"DELETE FROM {table} t WHERE {unused('id')}")
    return RemovedDemo(len(movies), len(viewers))
