"""Whether this process can serve: a model in memory, a database that answers, and Redis if possible."""

from contextlib import suppress
from dataclasses import dataclass

from django.db import DatabaseError, connection

from catalog import selectors
from recommender import training_data
from recommender.movies.snapshot import current_snapshot
from recommender.registry import artifacts, object_store
from recommender.serving import current_versions
from recommender.serving.current_versions import active_ranker


@dataclass(frozen=True, slots=True)
class Readiness:
    ready: bool
    components: dict[str, str]  # part -> "ok", or what is wrong
    model_version: str | None


def check_readiness() -> Readiness:
    """Ready while a list can be made or served: the films are known, and an active model, if there is one, is loaded.
    Without Redis lists come from the model, without Postgres from Redis."""
    parts = {"database": _database_state(), "cache": "ok", "model": "not asked"}
    version = None
    with suppress(*selectors.DATABASE_ERRORS):
        look = current_versions.read_versions(None)
        current_snapshot(look.versions.catalogue or 0)
        parts["cache"] = "ok" if look.redis_up else "unreachable: lists come from the model"
        ranker = active_ranker(look)
        version = ranker.version if ranker is not None else None
        parts["model"] = _model_state(look.versions.model, version)
        new_site = look.versions.model is None  # popular, latest and content lists are all that it promises
        return Readiness(new_site or version is not None, parts, version)
    return Readiness(version is not None, parts, version)


def _database_state() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"unreachable ({type(error).__name__}): stored lists are served, events refused"
    return "ok"


def _model_state(active: str | None, serving: str | None) -> str:
    if active is None:
        return training_data.no_model_message()
    if serving == active:
        return "ok"
    awaited = (
        ", which the model store has not given yet"
        if object_store.is_configured() and not artifacts.is_local(active)
        else ""
    )
    if serving is None:
        return f"{active} cannot be loaded{awaited}"
    return f"ok, but {serving} serves in place of {active}{awaited}"
