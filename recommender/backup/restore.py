"""Restore a backup: checked first, then all of it or nothing, and no earlier list is served after it."""

import re
import time
from collections.abc import Iterator, Mapping
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
from recommender.backup.archive import DUMP, Archive, ArchiveRefused, OnBytes, model_members
from recommender.data_state import DataState
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
MIGRATIONS_TABLE = "django_migrations"  # the table without a model
WEB_STOP_SECONDS = 12.0  # a web process that has just been stopped counts as serving for ten


CANCELLED_ERROR = "It had not ended when the backup was made that was restored."


class RestoreRefused(Exception):
    """The backup may not be restored here and now; nothing was changed."""


def check_backup(path: Path, progress: Progress) -> dict[str, Any]:
    """Read all of a backup and return its manifest; nothing is changed. Raises ArchiveRefused."""
    with Archive(path) as archive:
        _check_migrations(archive)
        archive.verify(_byte_counter(archive, "checking", progress))
        return archive.manifest


def restore_backup(path: Path, progress: Progress, *, replace: bool = False) -> dict[str, Any]:
    """Put a backup in place of the database and the model folders, and return its manifest; `finalise` has the rest.

    `replace`: also where the system is not empty. Raises ArchiveRefused, RestoreRefused, DumpFailed, CacheUnavailable:
    then the system is as it was.
    """
    with Archive(path) as archive:
        _check_migrations(archive)
        versions = _check_replaceable(replace)
        try:
            final_sql = restore_sql(dict(archive.manifest["counts"]), *versions)
        except (ValueError, KeyError, TypeError) as error:
            raise ArchiveRefused(f"{path} has a manifest without its counts: {error}.") from error
        archive.verify(_byte_counter(archive, "checking", progress))
        on_bytes = _byte_counter(archive, "restoring", progress)

        def dump_blocks() -> Iterator[bytes]:
            for block in archive.blocks(DUMP):
                on_bytes(len(block))
                yield block

        with model_folders.extract(archive, on_bytes) as stage, model_folders.swap_in(stage):
            cache.delete_all()  # before the commit: a kill right after it must leave no earlier list
            pg_tools.replace_database(dump_blocks(), final_sql)
        return archive.manifest


def differing_settings(manifest: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the former and the current value of each setting that lists depend on and that differs, by name."""
    former = dict(manifest.get("settings", {}))
    current = {name: getattr(settings, name, None) for name in former}
    return {name: (value, current[name]) for name, value in former.items() if current[name] != value}


def _byte_counter(archive: Archive, phase: str, progress: Progress) -> OnBytes:
    total, done = sum(entry["bytes"] for entry in archive.files.values()), 0

    def on_bytes(count: int) -> None:
        nonlocal done
        done += count
        progress(phase, done, total)

    return on_bytes


def restore_sql(counts: Mapping[str, int], catalogue: int, epoch: int) -> str:
    """Return the statements at the end of a restore's transaction.

    They check the rows of each table against `counts`; raise the catalogue version and the epoch above those of either
    database, so that no cached list and no table in memory counts as current; and cancel the jobs that were under way
    when the backup was made. `catalogue`, `epoch`: of the database that is replaced. Raises ValueError for a name that
    is no table's.
    """
    checks = []
    for table, count in counts.items():
        if not re.fullmatch(r"[a-z_]{1,60}", table):
            raise ValueError(f"{table!r} is no table")
        error = f"RAISE EXCEPTION '{table} has not the {int(count)} rows of the manifest'"
        checks.append(f"IF (SELECT count(*) FROM public.{table}) <> {int(count)} THEN {error}; END IF;")
    return f"""
        DO $$ BEGIN {" ".join(checks)} END $$;
        INSERT INTO public.catalog_revision AS r (id, catalogue, epoch) VALUES (1, {catalogue + 1}, {epoch + 1})
          ON CONFLICT (id) DO UPDATE
          SET catalogue = greatest(r.catalogue, {catalogue}) + 1, epoch = greatest(r.epoch, {epoch}) + 1;
        UPDATE public.recommender_job
          SET status = 'cancelled', holder = NULL, lease_until = NULL, finished_at = now(), error = '{CANCELLED_ERROR}'
          WHERE status IN ('queued', 'running');"""


# Before anything is touched -----------------------------------------------------------------------------------------


def _check_migrations(archive: Archive) -> None:
    """Raise ArchiveRefused for a backup of a newer movierec."""
    known = {".".join(migration) for migration in MigrationLoader(None).disk_migrations}
    if unknown := sorted(set(archive.manifest.get("migrations", ())) - known):
        raise ArchiveRefused(
            f"{archive.path} was made by a newer movierec, whose tables this one does not know ({unknown[0]}): "
            "upgrade, then restore."
        )


def _check_replaceable(replace: bool) -> tuple[int, int]:
    """Raise RestoreRefused where data would be lost by mistake, or is in use.

    Returns the catalogue version and the epoch of the database that is replaced.
    """
    tables = set(connection.introspection.table_names())
    counts = {name: model.objects.count() for name, model in COUNTED_MODELS.items() if model._meta.db_table in tables}
    counts["folders of models"] = len(model_folders.stored_folders())
    counts["tables that are not movierec's"] = len(
        tables - set(connection.introspection.django_table_names()) - {MIGRATIONS_TABLE}
    )
    if any(counts.values()) and not replace:
        content = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
        raise RestoreRefused(f"This system is not empty: {content}. --replace puts the backup in their place.")
    _check_idle(has_jobs=Job._meta.db_table in tables)
    return selectors.catalogue_and_epoch() if "catalog_revision" in tables else (1, 1)


def _check_idle(*, has_jobs: bool) -> None:
    """Raise RestoreRefused while jobs run or web processes serve: they have read what is replaced."""
    running = Job.objects.filter(status=Job.Status.RUNNING, lease_until__gt=Now())
    if has_jobs and (kind := running.values_list("kind", flat=True).first()):
        raise RestoreRefused(f"A {kind} job is running: stop the workers and beat, or cancel it in the admin.")
    until = time.monotonic() + WEB_STOP_SECONDS
    while serving := sorted(cache.models_by_process()):
        if time.monotonic() > until:
            raise RestoreRefused(
                f"{len(serving)} web processes are serving ({serving[0]}): stop web, workers and beat, restore, start "
                "them again."
            )
        time.sleep(0.5)


# Afterwards ---------------------------------------------------------------------------------------------------------


def finalise(manifest: dict[str, Any]) -> None:
    """Do what the transaction cannot hold; each part may be done again, and a system without it is whole.

    Folders of unknown models are deleted, tables of an older version are migrated, and the cache is pointed at the
    restored model.
    """
    ContentType.objects.clear_cache()
    model_folders.delete_others(model_members(manifest))
    DataState(settings.DATA_NOTE).restore(dict(manifest.get("source", {})))
    call_command("migrate", verbosity=0, interactive=False)
    cache.delete_all()
    with suppress(ObjectStoreUnavailable):  # `manage.py models --upload` does it later
        artifacts.upload_missing()
    registry.repair_pointer()
