"""Check whether this process can serve: a model in memory, a database that answers, and Redis if possible."""

from contextlib import suppress
from dataclasses import dataclass

from django.db import DatabaseError, connection

from catalog import selectors
from infrastructure.connectivity import POSTGRES
from recommender import training_data
from recommender.registry import artifacts, object_store
from recommender.serving import current_versions
from recommender.serving.current_versions import active_ranker


@dataclass(frozen=True, slots=True)
class Readiness:
    """Hold whether the process is ready to serve, and what its answer depends on."""

    ready: bool
    components: dict[str, str]  # name -> "ok", or what is wrong
    model_version: str | None


def check_readiness() -> Readiness:
    """Return ready while a list can be made or served: the movies are known, and the active model, if any, is loaded.

    Without Redis lists come from the model, without Postgres from Redis.
    """
    components = {"database": _database_state(), "cache": "ok", "model": "not asked"}
    version = None
    with suppress(*selectors.DATABASE_ERRORS):
        cache_read = current_versions.read_versions(None)
        cache_read.load_snapshot()
        components["cache"] = "ok" if cache_read.redis_up else "unreachable: lists come from the model"
        ranker = active_ranker(cache_read)
        version = ranker.version if ranker is not None else None
        components["model"] = _model_state(cache_read.versions.model, version)
        is_new_site = cache_read.versions.model is None  # such a site promises popular, latest and content lists only
        return Readiness(is_new_site or version is not None, components, version)
    return Readiness(version is not None, components, version)


def _database_state() -> str:
    """Say what the monitor of a web process knows; without one ask Postgres.

    A balancer asks each second, of busy processes too, whose connections others are using.
    """
    if POSTGRES.is_running:
        return "unreachable: stored lists are served, events refused" if POSTGRES.is_down else "ok"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"unreachable ({type(error).__name__}): stored lists are served, events refused"
    return "ok"


def _model_state(active: str | None, served: str | None) -> str:
    """Describe the active version beside the one that this process serves."""
    if active is None:
        return training_data.no_model_message()
    if served == active:
        return "ok"
    is_missing = object_store.is_configured() and not artifacts.is_local(active)
    missing = ", which the model store has not given yet" if is_missing else ""
    if served is None:
        return f"{active} cannot be loaded{missing}"
    return f"ok, but {served} serves in place of {active}{missing}"
