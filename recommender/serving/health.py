"""Whether this process can serve: a model in memory, a database that answers, and Redis if possible."""

from dataclasses import dataclass

from django.db import DatabaseError, connection

from recommender.serving import stamps
from recommender.serving.recommend import active_ranker


@dataclass(frozen=True, slots=True)
class Readiness:
    ready: bool
    parts: dict[str, str]  # part -> "ok", or what is wrong
    model_version: str | None


def readiness() -> Readiness:
    """Not ready without Postgres or an active model that is loaded; without Redis lists come from the model."""
    parts = {"database": "ok", "cache": "ok", "model": "ok"}
    version = None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        look = stamps.look(None)
        parts["cache"] = "ok" if look.redis else "unreachable: lists come from the model"
        ranker = active_ranker(look)
        version = ranker.version if ranker is not None else None
        if look.stamps.model is None:
            parts["model"] = "none is active: train one with `./run manage train`"
        elif ranker is None:
            parts["model"] = f"{look.stamps.model} cannot be loaded"
        elif version != look.stamps.model:
            parts["model"] = f"ok, but {version} serves in place of {look.stamps.model}"
    except DatabaseError as error:
        parts["database"], parts["model"] = f"unreachable: {type(error).__name__}", "not asked"
    return Readiness(parts["database"] == "ok" and version is not None, parts, version)
