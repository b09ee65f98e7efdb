"""The model shelf: which versions there are, which one is active, and this process's ranker of it.

The `ModelVersion` rows are the truth; Redis carries the announcement and the pointer that mirror it. Torch is imported
inside the loader only, so that a process that needs no model does not pay for it.
"""

import hashlib
import logging
import os
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import cache as once
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections, transaction
from django.db.models.functions import Now

from recommender import audit, cache
from recommender.jobs import leases
from recommender.models import ModelVersion
from recommender.registry import artifacts, object_store
from recommender.registry.artifacts import folder

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

ACTIVATION_TIMEOUT = 30.0  # seconds for the live processes to load an announced model
WATCH_INTERVAL = 1.0
FETCH_TIMEOUT = 5.0  # that a person waits for a model to come from the store
RETRY_AFTER = 30.0  # before an unusable folder is looked at again
MAX_RANKERS = 2  # rankers a process holds: the active one and the one to come
UNUSED_AFTER = 1.0  # before a watching process lets go of a ranker; a request that has it keeps it to its end

log = logging.getLogger(__name__)


class ActivationRefused(Exception):
    """The version cannot go live; the message says why. The active one stays."""


# Versions ------------------------------------------------------------------------------------------------------------


def servable_version() -> str | None:
    """What a process that starts now will serve: the active version or, where its folder is gone, cut or of another
    format, the last whole one before it. Raises StorageUnavailable."""
    active = active_name()
    names = [active, *(version.name for version in _retired())] if active else []
    return next((name for name in names if artifacts.is_loadable(name)), None)


def register(model_folder: Path, **columns: Any) -> ModelVersion:
    """A CANDIDATE row for a folder that is complete under the model store. `facts` are columns of ModelVersion.
    Registering twice gives one row: a run that died in between does it again."""
    if model_folder != folder(model_folder.name):
        raise ValueError(f"{model_folder} does not lie in the model store {settings.MODEL_STORE}.")
    told = {"code_revision": code_revision(), **columns}
    return ModelVersion.objects.update_or_create(name=model_folder.name, defaults=told)[0]


@once
def code_revision() -> str:
    """Hash over the sources of recommender.ml: what the weights were trained by."""
    digest = hashlib.sha256()
    for source in sorted((Path(__file__).parent.parent / "ml").glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()[:16]


_read_data_set: Callable[[], int] = int  # asked of nobody: 0


def set_data_set_reader(read_data_set: Callable[[], int]) -> None:
    """Wires the one thing the shelf cannot know itself: the number of the data that the ids are of now."""
    global _read_data_set
    _read_data_set = read_data_set


def reject_former_data(data_set: int) -> None:
    """Inside the transaction that replaces the data: no version trained on the former data is active or comes back.
    Their folders go after the commit."""
    former = ModelVersion.objects.exclude(data_set=data_set).exclude(status=ModelVersion.Status.REFUSED)
    names = list(former.values_list("name", flat=True))
    words = f"{artifacts.PRUNED_PREFIX}the data that it was trained on was replaced."
    former.update(status=ModelVersion.Status.REFUSED, reason=words)
    transaction.on_commit(partial(_delete_rejected, names), robust=True)


def _delete_rejected(names: list[str]) -> None:
    with suppress(cache.CacheUnavailable):  # beat repairs the pointer
        cache.publish_model(active_name())
    for name in names:
        artifacts.delete(name)


def active_name() -> str | None:
    names = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).values_list("name", flat=True)
    return names.first()


def activate(name: str, reason: str, *, demote_to: ModelVersion.Status = ModelVersion.Status.RETIRED) -> ModelVersion:
    """Checks the folder, lets every live process load it beside the old one, then flips the row and the pointer.

    Raises ActivationRefused (unknown version, unusable folder, one that other machines cannot get). Goes on without
    Redis; beat repairs the pointer then.
    """
    with leases.advisory_lock("activation", wait=True):
        version = ModelVersion.objects.filter(name=name).first()
        if version is None:
            raise ActivationRefused(f"There is no model version {name!r}; `manage.py models` lists them.")
        _check_data_set(version)
        _check_replicated(version)
        _check_loadable(version)
        _preload_in_processes(name)
        with transaction.atomic():
            _check_data_set(ModelVersion.objects.select_for_update().get(name=name))  # replaced meanwhile
            old = ModelVersion.objects.select_for_update().filter(status=ModelVersion.Status.ACTIVE)
            old.exclude(name=name).update(status=demote_to)
            version.status, version.reason, version.activated_at = ModelVersion.Status.ACTIVE, reason, Now()
            version.save(update_fields=["status", "reason", "activated_at"])
            audit.record(audit.Action.ACTIVATED, name, reason)
        try:
            cache.publish_model(name)
        except cache.CacheUnavailable as error:
            log.warning("Model %s is active, but the pointer is not published yet: %s", name, error)
    version.refresh_from_db()
    log.info("Model %s is active: %s", name, reason)
    return version


def rollback_target() -> str | None:
    """The version that a rollback would go to."""
    return _retired().values_list("name", flat=True).first()


def rollback(reason: str) -> ModelVersion:
    """Activates the version that was active before. The one left becomes a candidate again: no fallback picks it."""
    earlier = rollback_target()
    if earlier is None:
        raise ActivationRefused("There is no earlier model version to go back to.")
    left = active_name()
    version = activate(earlier, f"Rolled back to: {reason}", demote_to=ModelVersion.Status.CANDIDATE)
    ModelVersion.objects.filter(name=left).update(reason=f"Rolled back from: {reason}")
    return version


def prune(keep: int) -> list[str]:
    """Deletes the folders of all but the newest `keep` versions; their rows and figures stay. Never that of the active
    version, of one that a live process holds, or of the two that a rollback would go to. Returns the names."""
    with leases.advisory_lock("activation", wait=True):
        kept = set(ModelVersion.objects.values_list("name", flat=True)[:keep]) | {active_name()}
        kept |= set(_retired().values_list("name", flat=True)[:2]) | _loaded_by_processes()
        old = ModelVersion.objects.exclude(name__in=kept - {None}).exclude(status=ModelVersion.Status.REFUSED)
        gone = []
        for version in old:
            if not artifacts.delete(version.name):
                break  # until the next night
            version.status = ModelVersion.Status.REFUSED
            version.reason = f"{artifacts.PRUNED_PREFIX}{keep} newer versions are kept. It was: {version.reason}"
            version.save(update_fields=["status", "reason"])
            gone.append(version.name)
    return gone


def _loaded_by_processes() -> set[str]:
    try:
        return {name for name in (*cache.models_by_process().values(), cache.next_model()) if name}
    except cache.CacheUnavailable:
        return set()


def repair_pointer() -> str | None:
    """Points Redis at the active version again, unless an activation is under way. Raises CacheUnavailable."""
    with leases.advisory_lock("activation") as mine:
        name = active_name()
        if mine:
            cache.publish_model(name)
    return name


def _retired() -> Any:
    return ModelVersion.objects.filter(status=ModelVersion.Status.RETIRED).order_by("-activated_at")


def _check_data_set(version: ModelVersion) -> None:
    if version.data_set != _read_data_set():
        raise ActivationRefused(f"{version.name} cannot go live: the data that it was trained on was replaced.")


def _check_replicated(version: ModelVersion) -> None:
    """What was live before lies where others find it: going back to it must not depend on the model store."""
    have = artifacts.fetch if version.activated_at else artifacts.ensure_replicated
    try:
        have(version.name)
    except artifacts.FETCH_ERRORS as error:
        raise ActivationRefused(f"{version.name} cannot go live: machines could not get it. {error}") from error


def _check_loadable(version: ModelVersion) -> None:
    from recommender.ml.model_folder import ModelUnusable
    from recommender.ml.ranker import load_ranker

    try:
        if not load_ranker(folder(version.name)).is_finite:
            raise ModelUnusable("some of its weights are not finite numbers. Train again.")
    except ModelUnusable as error:
        if version.status != ModelVersion.Status.ACTIVE:
            version.status, version.reason = ModelVersion.Status.REFUSED, str(error)
            version.save(update_fields=["status", "reason"])
        raise ActivationRefused(f"{version.name} cannot go live: {error}") from error


def _preload_in_processes(name: str) -> None:
    """Announces the model and waits, bounded, until every live process reports it."""
    try:
        cache.announce_next_model(name)
        deadline = time.monotonic() + ACTIVATION_TIMEOUT
        while missing := sorted(process for process, held in cache.models_by_process().items() if held != name):
            if time.monotonic() > deadline:
                log.warning("Activating %s though %s have not loaded it: they load it late.", name, ", ".join(missing))
                return
            time.sleep(0.2)
    except cache.CacheUnavailable as error:
        log.warning("Activating %s without waiting for the live processes: %s", name, error)


# This process's rankers ----------------------------------------------------------------------------------------------

_rankers: "OrderedDict[str, Ranker]" = OrderedDict()  # the one used last stands last
_last_used: dict[str, float] = {}  # name -> monotonic seconds
_rankers_lock = threading.Lock()  # held for a moment
_loading = threading.Lock()  # held while a folder is read; requests for a loaded model do not wait for it
_retry_at: dict[str, float] = {}  # name -> monotonic seconds


def ranker(name: str | None = None) -> "Ranker | None":
    """The ranker of that version, or of the active one. Where its folder is unusable the last good version before it;
    None when there is none. Ask the ranker for its `version`: it may not be the one that was wanted."""
    name = name or active_name()
    if name is None:
        return None
    return _get_or_load(name) or next((good for version in _retired() if (good := _get_or_load(version.name))), None)


def fetch_for_comparison(name: str) -> None:
    """Has that version on this machine, if the store gives it soon."""
    artifacts.fetch_within(name, FETCH_TIMEOUT)


def load_for_comparison(name: str) -> "Ranker | None":
    """That version and no other, to compare it: one that this process does not serve is loaded and not kept."""
    return _cached(name) or (_load(name) if artifacts.is_local(name) else None)


def _get_or_load(name: str) -> "Ranker | None":
    if (found := _cached(name)) is not None:
        return found
    with _loading:
        if (found := _cached(name)) is not None:
            return found
        if time.monotonic() < _retry_at.get(name, 0.0):
            return None
        if object_store.is_configured() and not artifacts.is_local(name):
            artifacts.fetch_in_background(name, partial(_back_off, name))
            return None
        loaded = _load(name)
        if loaded is None:
            _back_off(name)
            return None
        with _rankers_lock:
            _rankers[name], _last_used[name] = loaded, time.monotonic()
            while len(_rankers) > MAX_RANKERS:
                _rankers.popitem(last=False)
        return loaded


def _back_off(name: str) -> None:
    _retry_at[name] = time.monotonic() + RETRY_AFTER


def _cached(name: str) -> "Ranker | None":
    with _rankers_lock:
        if (found := _rankers.get(name)) is not None:
            _rankers.move_to_end(name)
            _last_used[name] = time.monotonic()
        return found


def _load(name: str) -> "Ranker | None":
    from recommender.ml.model_folder import ModelCorrupt, ModelFormatMismatch, ModelMissing
    from recommender.ml.ranker import load_ranker

    try:
        return load_ranker(folder(name))
    except ModelMissing as error:
        log.error("Model %s is missing (is the model store shared with this machine?): %s", name, error)
    except ModelFormatMismatch as error:
        log.error("Model %s is of another format than this code reads; train anew or deploy its code: %s", name, error)
    except ModelCorrupt as error:
        log.error("Model %s is corrupt; restore its folder from a backup or roll back: %s", name, error)
    return None


# The watch of a serving process --------------------------------------------------------------------------------------


_tick_callbacks: list[Callable[[], None]] = []


def on_tick(callback: Callable[[], None]) -> None:
    """Has the watch call this at every look."""
    _tick_callbacks.append(callback)


def start_watcher() -> None:
    """Starts the thread that loads announced models, reports what is loaded and lets go of models past."""
    threading.Thread(target=_watch_forever, name="model-watch", daemon=True).start()


def _watch_forever() -> None:
    process = f"{socket.gethostname()}:{os.getpid()}"
    while True:
        try:
            for call in _tick_callbacks:
                call()
            _tick(process)
        except (cache.CacheUnavailable, DatabaseError) as error:
            log.warning("The watch for models is blind for now: %s", error)
        except Exception:  # the thread must outlive whatever one look meets
            log.exception("The watch for models failed; it looks again.")
        finally:
            close_old_connections()
        time.sleep(WATCH_INTERVAL)


def _tick(process: str) -> None:
    active = active_name()
    serving = ranker(active) if active else None
    name = cache.next_model()
    coming = _get_or_load(name) if name and name != active else None
    _drop_unused()
    newest = coming or serving
    cache.report_loaded_model(process, newest.version if newest else "")


def _drop_unused() -> None:
    """Gives the memory of models past back: the serving and the announced one were asked for just now."""
    with _rankers_lock:
        for name in [name for name, at in _last_used.items() if time.monotonic() - at > UNUSED_AFTER]:
            _rankers.pop(name, None)
            del _last_used[name]
