"""The demo into an empty system: once, and never beside the site's own movies."""

from typing import NamedTuple

from django.db import connection, transaction

from catalog.demo.movies import read_movies
from catalog.demo.simulation import simulate_demo
from catalog.errors import CatalogError
from catalog.limits import DEMO_ID_BASE
from catalog.loading.datasets import LoadReport, Progress, load_dataset
from catalog.models import Movie, Viewer
from catalog.selectors import has_legacy_demo
from catalog.services.demo import RemovedDemo, remove_demo_in
from catalog.services.get_or_create import lock_catalogue_writers

MAX_VIEWERS = 20_000


class DemoExists(NamedTuple):
    """The demo that an earlier load left, as how many movies and viewers; nothing was changed."""

    movies: int
    viewers: int


def load_demo(
    viewers: int, seed: int, progress: Progress = lambda what, done, expected: None
) -> LoadReport | DemoExists:
    """Load real movies and `viewers` simulated viewers, in one transaction.

    Raises CatalogError with nothing changed.
    """
    if not 1 <= viewers <= MAX_VIEWERS:
        raise CatalogError(f"The demo has 1 to {MAX_VIEWERS:,} viewers, not {viewers:,}.")
    with transaction.atomic():
        # Two starts at once: the second waits here and then finds the demo. Its times depend on the clock, so loading
        # it again would add every event a second time.
        lock_catalogue_writers()
        if movies := Movie.objects.filter(is_demo=True).count():
            return DemoExists(movies, Viewer.objects.filter(is_simulated=True).count())
        if existing := Movie.objects.count():
            raise CatalogError(
                f"The catalogue holds {existing:,} real films, and the demo goes into an empty one only. To see it, "
                "name a new folder in MOVIEREC_STATE or, with a server of your own, an empty database in DATABASE_URL."
            )
        progress("simulating", 0, None)
        return load_dataset(simulate_demo(viewers, seed), progress)


def remove_legacy_demo() -> RemovedDemo | None:
    """Remove a demo that an earlier version loaded under ids from 1, where a site's own may be; None without one.

    A movie that was overwritten since is the site's own and stays, and so do the viewers who watched any movie of the
    site's own.
    """
    if not has_legacy_demo():
        return None
    legacy = Movie.objects.filter(is_demo=True, pk__lte=DEMO_ID_BASE)
    with transaction.atomic():
        titles = {pk - DEMO_ID_BASE: title for pk, title in read_movies().table.select("id", "title").iter_rows()}
        overwritten = [pk for pk, title in legacy.values_list("pk", "title") if titles.get(pk) != title]
        Movie.objects.filter(pk__in=overwritten).update(is_demo=False)
        Viewer.objects.filter(is_simulated=True, events__movie__is_demo=False).update(is_simulated=False)
        with connection.cursor() as cursor:
            return remove_demo_in(cursor)
