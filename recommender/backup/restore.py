"""Puts a backup back: checked first, then all of it or nothing, and no list of before is served after it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models.functions import Now

from catalog import selectors
from catalog.loading import Progress
from catalog.models import Movie, Viewer
from recommender import cache, registry
from recommender.backup import model_folders, pg_tools
from recommender.backup.archive import DUMP, Archive, ArchiveRefused, model_members
from recommender.backup.restore_sql import finalise_sql
from recommender.models import ApiKey, Job, ModelVersion
from recommender.registry import artifacts
from recommender.registry.object_store import ObjectStoreUnavailable

COUNTED_MODELS: dict[str, Any] = {
    "films": Movie,
    "viewers": Viewer,
    "models": ModelVersion,
    "API keys": ApiKey,
    "staff": get_user_model(),
}
MIGRATIONS_TABLE = "django_migrations"  # a table without a model
WEB_STOP_SECONDS = 12.0  # a web process that has just been stopped counts as there for ten


class RestoreRefused(Exception):
    """The backup may not be restored here and now; nothing was changed."""


def check_backup(path: Path, progress: Progress) -> dict[str, Any]:
    """Reads all of it, changes nothing, returns its manifest. Raises ArchiveRefused."""
    with Archive(path) as archive:
        _check_migrations(archive)
        archive.verify(_byte_counter(archive, "checking", progress))
        return archive.manifest


def restore_backup(path: Path, progress: Progress, *, replace: bool = False) -> dict[str, Any]:
    """Returns the manifest; `settle` has the rest. Raises ArchiveRefused, RestoreRefused, DumpFailed, CacheUnavailable:
    then the system is as it was. `replace`: also where it is not empty."""
    with Archive(path) as archive:
        _check_migrations(archive)
        former = _check_replaceable(replace)
        try:
            last = finalise_sql(dict(archive.manifest["counts"]), *former)
        except (ValueError, KeyError, TypeError) as error:
            raise ArchiveRefused(f"{path} has a manifest without its counts: {error}.") from error
        archive.verify(_byte_counter(archive, "checking", progress))
        counted = _byte_counter(archive, "restoring", progress)
        with model_folders.extract(archive, counted) as stage, model_folders.swap_in(stage):
            cache.delete_all()  # killed right after the commit, no list of before is there
            pg_tools.replace_database(_counted_blocks(archive, counted), last)
        return archive.manifest


def differing_settings(manifest: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Name -> (then, now), of those that lists depend on."""
    then = dict(manifest.get("settings", {}))
    return {name: (was, now) for name, was in then.items() if (now := getattr(settings, name, None)) != was}


def _byte_counter(archive: Archive, what: str, progress: Progress) -> Callable[[int], None]:
    total, done = sum(one["bytes"] for one in archive.files.values()), 0

    def told(count: int) -> None:
        nonlocal done
        done += count
        progress(what, done, total)

    return told


def _counted_blocks(archive: Archive, told: Callable[[int], None]) -> Iterator[bytes]:
    for block in archive.blocks(DUMP):
        told(len(block))
        yield block


# Before anything is touched -----------------------------------------------------------------------------------------


def _check_migrations(archive: Archive) -> None:
    ours = {".".join(one) for one in MigrationLoader(None).disk_migrations}
    if unknown := sorted(set(archive.manifest.get("migrations", ())) - ours):
        words = f"{archive.path} was made by a newer movierec, whose tables this one does not know ({unknown[0]})"
        raise ArchiveRefused(f"{words}: upgrade, then restore.")


def _check_replaceable(replace: bool) -> tuple[int, int]:
    """What is there may not be lost by mistake, nor served on. Returns (catalogue, epoch) of now."""
    there = set(connection.introspection.table_names())
    held = {name: model.objects.count() for name, model in COUNTED_MODELS.items() if model._meta.db_table in there}
    held["folders of models"] = len(model_folders.stored_folders())
    held["tables that are not movierec's"] = len(
        there - set(connection.introspection.django_table_names()) - {MIGRATIONS_TABLE}
    )
    if any(held.values()) and not replace:
        told = ", ".join(f"{count:,} {name}" for name, count in held.items() if count)
        raise RestoreRefused(f"This system is not empty: {told}. --replace puts the backup in their place.")
    _check_idle(Job._meta.db_table in there)
    return selectors.catalogue_and_epoch() if "catalog_revision" in there else (1, 1)


def _check_idle(with_jobs: bool) -> None:
    """Whoever serves or works now has read what was before."""
    running = Job.objects.filter(status=Job.Status.RUNNING, lease_until__gt=Now())
    if with_jobs and (kind := running.values_list("kind", flat=True).first()):
        raise RestoreRefused(f"A {kind} job is running: stop the workers and beat, or cancel it in the admin.")
    until = time.monotonic() + WEB_STOP_SECONDS
    while serving := sorted(cache.models_by_process()):
        if time.monotonic() > until:
            words = f"{len(serving)} web processes are serving ({serving[0]})"
            raise RestoreRefused(f"{words}: stop web, workers and beat, restore, start them again.")
        time.sleep(0.5)


# Afterwards ---------------------------------------------------------------------------------------------------------


def finalise(manifest: dict[str, Any]) -> None:
    """What the transaction cannot hold. Each part may be done again, and a system without it is whole: folders that
    nobody knows are deleted, tables of an older version brought up to date, the shelf pointed at the restored model."""
    ContentType.objects.clear_cache()
    model_folders.delete_others(model_members(manifest))
    _write_data_source(dict(manifest.get("source", {})))
    call_command("migrate", verbosity=0, interactive=False)
    cache.delete_all()
    with suppress(ObjectStoreUnavailable):  # `manage.py models --upload` does it later
        artifacts.upload_missing()
    registry.repair_pointer()


def _write_data_source(source: dict[str, Any]) -> None:
    file = settings.DATA_NOTE
    if not source:
        file.unlink(missing_ok=True)
        return
    aside = file.with_suffix(".new")
    aside.write_text(json.dumps(source))
    aside.replace(file)
