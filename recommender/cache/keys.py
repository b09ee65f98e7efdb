"""The keys of the list cache, and how their values are read. Names are stored: a running site has values under them."""

from functools import cache
from hashlib import blake2b
from typing import Any

from django.conf import settings
from django.core.cache import caches

from recommender import process_state


def _tagged(text: object) -> str:
    """Return a part of a key; in a cluster as a hash tag: keys with the same one are on one server."""
    return f"{{{text}}}" if settings.LISTS_REDIS.nodes else str(text)


_OF_ALL = f"{_tagged('all')}:" if settings.LISTS_REDIS.nodes else ""
MODEL, EPOCH, CATALOGUE = f"{_OF_ALL}model", f"{_OF_ALL}epoch", f"{_OF_ALL}catalogue"
NEXT_MODEL, PROCESSES, HEARTBEATS = "model:announced", "processes", "alive"
MODELS_WITH_LISTS = "models:stocked"
WATCH_COUNTS = "watch-counts"
TEXT_VECTORS = "text-vectors"
ERASURES = "erased"
TOTAL_COUNTERS = "tally:total"

NOBODY = 0  # no viewer has this id: owns what is for everyone
RESERVATION_PREFIX = b"\0"  # begins a reservation's token, and no model's name


def full_key(name: str) -> str:
    """Return the key as Redis has it, with Django's prefix, for commands that do not go through Django's cache."""
    return _prefix() + name


@cache
def _prefix() -> str:
    return str(caches["lists"].make_key(""))


process_state.register("cache: what keys begin with", _prefix.cache_clear)


def trusted_server_key(alias: str) -> str:
    """Return the key of the mark of a server that was accepted."""
    return f"{_OF_ALL}server:{alias}"


def list_key(model: str, viewer_id: int) -> str:
    return f"viewer:{_tagged(viewer_id)}:list:{model}"


def version_key(viewer_id: int) -> str:
    return f"viewer:{_tagged(viewer_id)}:version"


def viewer_id_key(key: str) -> str:
    """Return where the id of the viewer with this key is stored."""
    return f"viewer-key:{_tagged(_digest(key))}:id"


def embedding_key(model: str, viewer_id: int) -> str:
    return f"user:{_tagged(viewer_id)}:embedding:{model}"


def chart_key(name: str) -> str:
    return f"chart:{name}"


def home_page_key(viewer_id: int, place: int) -> str:
    """Return the key of one of the places for home pages, of a viewer or (0) of everybody."""
    return f"viewer:{_tagged(viewer_id)}:home:{place}" if viewer_id else f"home:{place}"


def page_session_key(session: str) -> str:
    return f"pages:{_tagged(session)}"


def page_ids_key(session: str) -> str:
    return f"pages:{_tagged(session)}:ids"


def page_sessions_key(owner: int | str) -> str:
    """Return the key of the sessions of one viewer's lists, by their key; of the lists that are for everyone by 0."""
    return f"viewer:{_tagged(owner)}:pages" if isinstance(owner, int) else f"viewer-key:{_tagged(_digest(owner))}:pages"


def stream_key(log: str) -> str:
    return f"stream:{log}"


def stream_state_key(log: str) -> str:
    return f"stream:{log}:state"


def loaded_model_key(process: str) -> str:
    return f"process:{process}"


def rate_key(scope: str, caller: str, window: int) -> str:
    """Return the key of a caller's calls in a window of time, of which `window` is the number."""
    return f"rate:{scope}:{caller}:{window}"


def counters_key(bucket_seconds: int, at: int) -> str:
    """Return the key of the bucket of that length which `at`, unix seconds, falls into."""
    return f"tally:{bucket_seconds}:{at // bucket_seconds}"


def _digest(viewer_key: str) -> str:
    """Return what stands for a viewer's key: no key of Redis names anybody."""
    return blake2b(viewer_key.encode(), digest_size=16).hexdigest()


def as_number(value: Any) -> int | None:
    """Return the number that a key held; None for an absent or foreign value, and for a reservation."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def as_name(value: Any) -> str | None:
    """Return the model's name that a key held; None for an absent or foreign value, and for a reservation."""
    if not isinstance(value, bytes) or value.startswith(RESERVATION_PREFIX):
        return None
    return value.decode(errors="replace")
