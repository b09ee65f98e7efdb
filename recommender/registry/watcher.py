"""The thread of a serving process that loads announced models, reports what is loaded and drops what is not used."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, close_old_connections

from recommender import cache
from recommender.registry import loader
from recommender.registry.versions import active_name

WATCH_INTERVAL = 1.0  # seconds

_tick_callbacks: list[Callable[[], None]] = []  # filled while Django's apps get ready

log = logging.getLogger(__name__)


def on_tick(callback: Callable[[], None]) -> None:
    """Have the watcher call this once a second."""
    _tick_callbacks.append(callback)


def tick_callbacks() -> list[Callable[[], None]]:
    """Return what is called at every tick."""
    return list(_tick_callbacks)


def start_watcher() -> None:
    """Start the thread."""
    threading.Thread(target=_watch_forever, name="model-watch", daemon=True).start()


def _watch_forever() -> None:
    process = f"{socket.gethostname()}:{os.getpid()}"
    while True:
        try:
            for callback in _tick_callbacks:
                callback()
            _tick(process)
        except (cache.CacheUnavailable, DatabaseError) as error:
            log.warning("The model watcher cannot reach Redis or Postgres: %s", error)
        except Exception:  # the thread must outlive whatever one tick meets
            log.exception("The model watcher failed; it tries again.")
        finally:
            close_old_connections()
        time.sleep(WATCH_INTERVAL)


def _tick(process: str) -> None:
    active = active_name()
    serving = loader.ranker(active) if active else None
    name = cache.next_model()
    coming = loader.get_or_load(name) if name and name != active else None
    loader.drop_unused()
    newest = coming or serving
    cache.report_loaded_model(process, newest.version if newest else "")
