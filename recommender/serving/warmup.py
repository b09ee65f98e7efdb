"""What the first requests of a web process would wait for, made before they come."""

import logging
import threading

from django.db import close_old_connections

from infrastructure import connectivity
from recommender import maintenance, registry
from recommender.movies.series import series_of
from recommender.movies.snapshot import current_snapshot
from recommender.serving import current_versions
from recommender.serving.candidates import charts
from recommender.serving.pipeline import active_ranker
from recommender.serving.request import CHART_NAMES

log = logging.getLogger(__name__)


def start_in_web_process() -> None:
    """For a web process that begins: from here on it knows whether its servers are there, and takes up each newly
    activated model."""
    for line in (connectivity.REDIS, connectivity.POSTGRES):
        line.on_recovery.append(maintenance.publish_missed_versions)
    connectivity.start_monitors(interactive=True)
    registry.start_watcher()
    threading.Thread(target=preload, name="warm", daemon=True).start()


def preload() -> None:
    """The active model, the films and their series. Whatever cannot be made now is made on the first request."""
    try:
        look = current_versions.read_versions(None)
        active_ranker(look)
        films = current_snapshot(look.versions.catalogue or 0)
        series_of(films)
        for name in CHART_NAMES:
            charts.rank_chart(name, films, look.versions.epoch or 0)
    except Exception as error:  # a part is not there yet: the request that needs it says so
        log.warning("This process starts cold: %s", error)
    finally:
        close_old_connections()
