"""The rankers that this process has in memory: the active model's, and the next one's while it takes over.

Torch is imported inside the functions that load, so that a process that needs no model does not pay for it.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from infrastructure.signals import second_model_loads
from recommender import process_state
from recommender.registry import artifacts, object_store
from recommender.registry.versions import active_name, retired_versions

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

FETCH_TIMEOUT = 5.0  # seconds that a person waits for a model to come from the store
RETRY_AFTER = 30.0  # seconds before an unusable folder is looked at again
MAX_RANKERS = 2  # that a process holds: the active one and the next one
UNUSED_AFTER = 1.0  # seconds before a watching process drops a ranker; a request that has it keeps it to its end

_rankers: "OrderedDict[str, Ranker]" = OrderedDict()  # the one used last stands last
_last_used: dict[str, float] = {}  # name -> monotonic seconds
_rankers_lock = threading.Lock()  # held for a moment
_loading = threading.Lock()  # held while a folder is read; requests for a loaded model do not wait for it
_retry_at: dict[str, float] = {}  # name of an unusable version -> monotonic seconds

# Versions that are served beside the active one.
_kept: process_state.Value[frozenset[str]] = process_state.Value("registry: versions of experiments", frozenset())

process_state.register("registry: rankers in memory", _rankers.clear)
process_state.register("registry: when each ranker was used last", _last_used.clear)
process_state.register("registry: versions that cannot be loaded now", _retry_at.clear)

log = logging.getLogger(__name__)


def ranker(name: str | None = None) -> "Ranker | None":
    """Return the ranker of that version, or of the active one; where its folder is unusable, of the last good version
    before it; None when there is none. Ask the ranker for its `version`: it may not be the one that was asked for."""
    name = name or active_name()
    if name is None:
        return None
    if (exact := get_or_load(name)) is not None:
        return exact
    return next((good for version in retired_versions() if (good := get_or_load(version.name)) is not None), None)


def fetch_for_comparison(name: str) -> None:
    """Fetch that version to this machine, waiting FETCH_TIMEOUT at most; it is fetched on after that."""
    artifacts.fetch_within(name, FETCH_TIMEOUT)


def load_for_comparison(name: str) -> "Ranker | None":
    """Return that version and no other; one that this process does not serve is loaded and not kept."""
    return _cached(name) or (_load(name) if artifacts.is_local(name) else None)


def get_or_load(name: str) -> "Ranker | None":
    """Return that version's ranker and keep it in memory; None while it cannot be loaded. Fetches it on the way."""
    if (cached := _cached(name)) is not None:
        return cached
    with _loading:
        if (cached := _cached(name)) is not None:
            return cached
        if time.monotonic() < _retry_at.get(name, 0.0):
            return None
        if object_store.is_configured() and not artifacts.is_local(name):
            artifacts.fetch_in_background(name, partial(_back_off, name))
            return None
        if _rankers:
            second_model_loads.send(sender=None)
        loaded = _load(name)
        if loaded is None:
            _back_off(name)
            return None
        with _rankers_lock:
            _rankers[name], _last_used[name] = loaded, time.monotonic()
            while len(_rankers) > MAX_RANKERS + len(_kept.current):
                _rankers.popitem(last=False)
        return loaded


def loaded_names() -> list[str]:
    """Return the names of the versions in memory; the one used last stands last."""
    with _rankers_lock:
        return list(_rankers)


def keep(names: Collection[str]) -> None:
    """Load these versions, which are served beside the active one, and have them in memory until they are no longer
    named."""
    _kept.current = frozenset(names)
    for name in names:
        get_or_load(name)


def drop_unused() -> None:
    """Give the memory of former models back: the serving and the announced one were asked for just now."""
    with _rankers_lock:
        unused = [name for name, at in _last_used.items() if time.monotonic() - at > UNUSED_AFTER]
        for name in set(unused) - _kept.current:
            _rankers.pop(name, None)
            del _last_used[name]


def _back_off(name: str) -> None:
    _retry_at[name] = time.monotonic() + RETRY_AFTER


def _cached(name: str) -> "Ranker | None":
    with _rankers_lock:
        if (cached := _rankers.get(name)) is not None:
            _rankers.move_to_end(name)
            _last_used[name] = time.monotonic()
        return cached


def _load(name: str) -> "Ranker | None":
    # Torch stays out of a process that serves no model.
    from recommender.ml.model_folder import ModelCorrupt, ModelFormatMismatch, ModelMissing
    from recommender.ml.ranker import load_ranker

    try:
        return load_ranker(artifacts.folder(name))
    except ModelMissing as error:
        log.error("Model %s is missing (is the model store shared with this machine?): %s", name, error)
    except ModelFormatMismatch as error:
        log.error("Model %s is of another format than this code reads; train anew or deploy its code: %s", name, error)
    except ModelCorrupt as error:
        log.error("Model %s is corrupt; restore its folder from a backup or roll back: %s", name, error)
    return None
