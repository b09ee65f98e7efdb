"""The numbers that stored lists are compared with, as Postgres has them: the truth."""

from collections.abc import Collection

from django.db import InterfaceError, OperationalError, connection

from catalog.limits import DEMO_ID_BASE
from catalog.models import Movie, Revision, Viewer

DATABASE_ERRORS = (OperationalError, InterfaceError)  # what a query raises while Postgres is not there


def is_database_down() -> bool:
    """Whether Postgres was not there when this process last tried to connect; asks nothing."""
    return bool(connection.is_down)  # type: ignore[attr-defined]  # movierec.postgres


def catalogue_and_epoch() -> tuple[int, int]:
    """(catalogue, epoch). An empty database is at 1, 1."""
    return Revision.objects.values_list("catalogue", "epoch").first() or (1, 1)


def erasure_count() -> int:
    """Grows with every viewer who is erased."""
    return Revision.objects.values_list("erasures", flat=True).first() or 0


def data_set() -> int:
    """Which data the ids are of: a model of another number must not serve. 0: as the database was made."""
    return Revision.objects.values_list("data_set", flat=True).first() or 0


def has_demo() -> bool:
    """Whether films or viewers of the demo are in the database. Two looks at the end of an index."""
    films = Movie.objects.filter(pk__gt=DEMO_ID_BASE, is_demo=True)
    return films.exists() or Viewer.objects.filter(is_simulated=True).exists()


def viewer_versions(ids: Collection[int]) -> dict[int, int]:
    """Viewer id → version; unknown viewers are left out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, version FROM catalog_viewer WHERE id = ANY(%s::int[])", [list(ids)])
        return dict(cursor.fetchall())


def pending_viewer_versions(limit: int) -> dict[int, int]:
    """The outbox: viewer id → version, for up to `limit` viewers whose version may not have reached Redis."""
    return dict(Viewer.objects.filter(publish_pending=True).order_by("id").values_list("id", "version")[:limit])
