"""The versions that cached lists are compared with, as Postgres has them."""

from collections.abc import Collection

from django.db import InterfaceError, OperationalError, connection

from catalog.limits import DEMO_ID_BASE
from catalog.models import Movie, Revision, Viewer

DATABASE_ERRORS = (OperationalError, InterfaceError)  # what a query raises while Postgres is away


def is_database_down() -> bool:
    """Tell whether Postgres was away when this process last tried to connect; sends no query."""
    return bool(connection.is_down)  # type: ignore[attr-defined]  # movierec.postgres


def catalogue_and_epoch() -> tuple[int, int]:
    """Return the (catalogue, epoch) versions. An empty database is at 1, 1."""
    return Revision.objects.values_list("catalogue", "epoch").first() or (1, 1)


def erasure_count() -> int:
    """Return how many viewers were erased so far."""
    return Revision.objects.values_list("erasures", flat=True).first() or 0


def standings_count() -> int:
    """Return which count of how movies stand holds."""
    return Revision.objects.values_list("standings", flat=True).first() or 0


def data_set() -> int:
    """Return the number of the data that the ids belong to; 0 from the start.

    A model of another number must not serve.
    """
    return Revision.objects.values_list("data_set", flat=True).first() or 0


def has_demo() -> bool:
    """Tell whether movies or viewers of the demo are in the database. Two looks at the end of an index."""
    movies = Movie.objects.filter(pk__gt=DEMO_ID_BASE, is_demo=True)
    return movies.exists() or Viewer.objects.filter(is_simulated=True).exists()


def has_legacy_demo() -> bool:
    """Tell whether there is a demo of a former version, under ids from 1, where a site's own may be."""
    movies = Movie.objects.filter(is_demo=True, pk__lte=DEMO_ID_BASE)
    return movies.exists() or Viewer.objects.filter(is_simulated=True, pk__lte=DEMO_ID_BASE).exists()


def viewer_versions(ids: Collection[int]) -> dict[int, int]:
    """Map viewer ids to versions; unknown viewers are left out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, version FROM catalog_viewer WHERE id = ANY(%s::int[])", [list(ids)])
        return dict(cursor.fetchall())


def pending_viewer_versions(limit: int) -> dict[int, int]:
    """Read the outbox: viewer id → version, for up to `limit` viewers whose version may not have reached Redis."""
    return dict(Viewer.objects.filter(publish_pending=True).order_by("id").values_list("id", "version")[:limit])
