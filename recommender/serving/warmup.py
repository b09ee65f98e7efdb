"""What a web process loads when it begins, so that no first request waits for it."""

import logging
import threading

from django.db import close_old_connections

from recommender import registry
from recommender.movies.series import series_of
from recommender.serving.candidates.charts import rank_chart
from recommender.serving.candidates.neighbours import stored_neighbours
from recommender.serving.current_versions import active_ranker, read_versions
from recommender.serving.request import CHART_NAMES

log = logging.getLogger(__name__)


def start_in_web_process() -> None:
    """Watch which model is active and preload, each in a thread of its own."""
    registry.start_watcher()
    threading.Thread(target=preload, name="warm", daemon=True).start()


def preload() -> None:
    """Load the active model with its neighbours, the catalogue with its series and doubles, and the charts.

    What fails is loaded later.
    """
    try:
        cache_read = read_versions(None)
        ranker = active_ranker(cache_read)
        snapshot = cache_read.load_snapshot()
        series_of(snapshot)
        stored_neighbours(snapshot, ranker)
        _ = snapshot.doubles
        for name in CHART_NAMES:
            rank_chart(name, snapshot, cache_read.epoch)
    except Exception as error:  # a part is not there yet: the request that needs it says so
        log.warning("This process starts cold: %s", error)
    finally:
        close_old_connections()
