"""The versions of the model: registered, activated, rolled back and pruned. The `ModelVersion` rows are the truth."""

import hashlib
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache as once
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from recommender import audit, cache
from recommender.locks import advisory_lock
from recommender.models import Experiment, ExperimentArm, ModelVersion
from recommender.registry import artifacts

ACTIVATION_TIMEOUT = 30.0  # seconds for the live processes to load an announced model

log = logging.getLogger(__name__)

_read_data_set: Callable[[], int] = int  # until Django's apps are ready: 0


class ActivationRefused(Exception):
    """The version cannot go live; the message says why. The active one stays."""


def set_data_set_reader(read_data_set: Callable[[], int]) -> None:
    """Wire the one thing that the registry cannot know itself: the number of the data set that movie ids are of now."""
    global _read_data_set
    _read_data_set = read_data_set


def active_name() -> str | None:
    """Return the name of the active version, from the database; None before the first one."""
    names = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).values_list("name", flat=True)
    return names.first()


def retired_versions() -> QuerySet[ModelVersion]:
    """Return the versions that were active before, the latest first."""
    return ModelVersion.objects.filter(status=ModelVersion.Status.RETIRED).order_by("-activated_at")


def rollback_target() -> str | None:
    """Return the version that a rollback would go to."""
    return retired_versions().values_list("name", flat=True).first()


def servable_version() -> str | None:
    """Return what a process that starts now will serve: the active version or, where its folder is gone, cut or of
    another format, the last whole one before it. Raises ObjectStoreUnavailable."""
    active = active_name()
    names = [active, *(version.name for version in retired_versions())] if active else []
    return next((name for name in names if artifacts.is_loadable(name)), None)


def register(model_folder: Path, **columns: Any) -> ModelVersion:
    """Create a CANDIDATE row for a folder that is complete under the model store. `columns`: of ModelVersion.

    Registering twice gives one row: a run that died in between does it again.
    """
    if model_folder != artifacts.folder(model_folder.name):
        raise ValueError(f"{model_folder} does not lie in the model store {settings.MODEL_STORE}.")
    defaults = {"code_revision": code_revision(), **columns}
    return ModelVersion.objects.update_or_create(name=model_folder.name, defaults=defaults)[0]


@once
def code_revision() -> str:
    """Return a hash over the sources of recommender.ml: what the weights were trained by."""
    digest = hashlib.sha256()
    for source in sorted((Path(__file__).parents[1] / "ml").glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()[:16]


def reject_former_data(data_set: int) -> None:
    """Reject all versions trained on other data than `data_set`: none of them is active or comes back.

    Called inside the transaction that replaces the data; their folders are deleted after the commit.
    """
    former = ModelVersion.objects.exclude(data_set=data_set).exclude(status=ModelVersion.Status.REFUSED)
    names = list(former.values_list("name", flat=True))
    reason = f"{artifacts.PRUNED_PREFIX}the data that it was trained on was replaced."
    former.update(status=ModelVersion.Status.REFUSED, reason=reason)
    transaction.on_commit(partial(_delete_rejected, names), robust=True)


def _delete_rejected(names: list[str]) -> None:
    with suppress(cache.CacheUnavailable):  # beat repairs the pointer
        cache.publish_model(active_name())
    for name in names:
        artifacts.delete(name)


def activate(name: str, reason: str, *, demote_to: ModelVersion.Status = ModelVersion.Status.RETIRED) -> ModelVersion:
    """Check the folder, let every live process load it beside the old one, then flip the row and the pointer.

    Raises ActivationRefused (unknown version, unusable folder, one that other machines cannot get). Goes on without
    Redis; beat repairs the pointer then.
    """
    with advisory_lock("activation", wait=True):
        version = ModelVersion.objects.filter(name=name).first()
        if version is None:
            raise ActivationRefused(f"There is no model version {name!r}; `manage.py models` lists them.")
        _check_data_set(version)
        _check_replicated(version)
        _check_loadable(version)
        _preload_in_processes(name)
        with transaction.atomic():
            _check_data_set(ModelVersion.objects.select_for_update().get(name=name))  # replaced meanwhile
            former = ModelVersion.objects.select_for_update().filter(status=ModelVersion.Status.ACTIVE)
            former.exclude(name=name).update(status=demote_to)
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


def _check_data_set(version: ModelVersion) -> None:
    if version.data_set != _read_data_set():
        raise ActivationRefused(f"{version.name} cannot go live: the data that it was trained on was replaced.")


def _check_replicated(version: ModelVersion) -> None:
    """A version that was live before lies where others find it: going back to it must not depend on the store."""
    ensure = artifacts.fetch if version.activated_at else artifacts.ensure_replicated
    try:
        ensure(version.name)
    except artifacts.FETCH_ERRORS as error:
        raise ActivationRefused(f"{version.name} cannot go live: machines could not get it. {error}") from error


def _check_loadable(version: ModelVersion) -> None:
    # Torch stays out of a process that activates nothing.
    from recommender.ml.model_folder import ModelUnusable
    from recommender.ml.ranker import load_ranker

    try:
        if not load_ranker(artifacts.folder(version.name)).is_finite:
            raise ModelUnusable("some of its weights are not finite numbers. Train again.")
    except ModelUnusable as error:
        if version.status != ModelVersion.Status.ACTIVE:
            version.status, version.reason = ModelVersion.Status.REFUSED, str(error)
            version.save(update_fields=["status", "reason"])
        raise ActivationRefused(f"{version.name} cannot go live: {error}") from error


def _preload_in_processes(name: str) -> None:
    """Announce the model and wait, bounded, until every live process reports it."""
    try:
        cache.announce_next_model(name)
        deadline = time.monotonic() + ACTIVATION_TIMEOUT
        while missing := sorted(process for process, loaded in cache.models_by_process().items() if loaded != name):
            if time.monotonic() > deadline:
                log.warning("Activating %s though %s have not loaded it: they load it late.", name, ", ".join(missing))
                return
            time.sleep(0.2)
    except cache.CacheUnavailable as error:
        log.warning("Activating %s without waiting for the live processes: %s", name, error)


def rollback(reason: str) -> ModelVersion:
    """Activate the version that was active before. The one left becomes a candidate again: no fallback picks it."""
    target = rollback_target()
    if target is None:
        raise ActivationRefused("There is no earlier model version to go back to.")
    left = active_name()
    version = activate(target, f"Rolled back to: {reason}", demote_to=ModelVersion.Status.CANDIDATE)
    ModelVersion.objects.filter(name=left).update(reason=f"Rolled back from: {reason}")
    return version


def prune(keep: int) -> list[str]:
    """Delete the folders of all but the newest `keep` versions; their rows and metrics stay.

    Never that of the active version, of one that a live process has or an experiment that has not ended, or of the two
    that a rollback would go to.
    Returns the names.
    """
    with advisory_lock("activation", wait=True):
        protected = {active_name(), settings.INTERLEAVE_MODEL}
        protected |= set(ModelVersion.objects.values_list("name", flat=True)[:keep])
        protected |= set(retired_versions().values_list("name", flat=True)[:2]) | _loaded_by_processes()
        unended = [Experiment.Status.DRAFT, Experiment.Status.RUNNING]
        protected |= set(ExperimentArm.objects.filter(experiment__status__in=unended).values_list("model", flat=True))
        old = ModelVersion.objects.exclude(name__in=protected - {None}).exclude(status=ModelVersion.Status.REFUSED)
        pruned = []
        for version in old:
            if not artifacts.delete(version.name):
                break  # the next nightly pruning tries again
            version.status = ModelVersion.Status.REFUSED
            version.reason = f"{artifacts.PRUNED_PREFIX}{keep} newer versions are kept. It was: {version.reason}"
            version.save(update_fields=["status", "reason"])
            pruned.append(version.name)
    return pruned


def _loaded_by_processes() -> set[str]:
    try:
        return {name for name in (*cache.models_by_process().values(), cache.next_model()) if name}
    except cache.CacheUnavailable:
        return set()


def repair_pointer() -> str | None:
    """Point Redis at the active version again, unless an activation is under way. Raises CacheUnavailable."""
    with advisory_lock("activation") as acquired:
        name = active_name()
        if acquired:
            cache.publish_model(name)
    return name
