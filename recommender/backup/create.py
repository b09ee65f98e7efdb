"""Create a backup: a dump of one snapshot of the database, and the folders of the models that it names."""

import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from catalog.loading import Progress
from catalog.models import Movie, Rule, Viewer, WatchEvent
from recommender import registry
from recommender.backup import model_folders, pg_tools
from recommender.backup.archive import DUMP
from recommender.backup.archive_writer import write_archive
from recommender.data_state import DataState
from recommender.locks import advisory_lock
from recommender.ml.config import FORMAT as MODEL_FORMAT
from recommender.models import ApiKey, ModelVersion
from recommender.registry import artifacts

COUNTED_MODELS = (Movie, Viewer, WatchEvent, Rule, ModelVersion, ApiKey, PeriodicTask, get_user_model())
# What lists depend on and no table holds: a restore reports where it differs.
COMPARED_SETTINGS = ("LIST_LENGTH", "LIST_TTL", "CERTIFICATE_COUNTRY", "UNCERTIFIED_AGE", "MODELS_KEPT")
COMPRESSION_RATIO = 5  # bytes of the tables to bytes of their dump, about


@dataclass(frozen=True)
class Backup:
    """A backup that was written and read again."""

    path: Path
    seal: str  # of its manifest, which has the checksum of everything else
    facts: dict[str, Any]
    left_out: dict[str, str]  # model -> why its folder is not in it


def create_backup(path: Path, progress: Progress) -> Backup:
    """Write a backup to PATH; a file that is there is replaced once the new one is complete and checked.

    Raises DumpFailed, OSError.
    """
    with (
        tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder,
        advisory_lock("activation", wait=True),  # nobody deletes a model's folder meanwhile
    ):
        dump = Path(folder) / DUMP
        with pg_tools.export_snapshot() as name:
            with connection.cursor() as cursor:
                cursor.execute("SELECT sum(pg_table_size(oid)) FROM pg_class WHERE relkind = 'r'")
                expected_bytes = int(cursor.fetchone()[0]) // COMPRESSION_RATIO
            facts = _facts()
            models, left_out = _model_files()
            for written_bytes in pg_tools.dump(name, dump):
                progress("database", written_bytes, expected_bytes)
        members = {DUMP: dump} | models
        facts["models_left_out"] = left_out
        total, done = 2 * sum(file.stat().st_size for file in members.values()), 0

        def on_bytes(count: int) -> None:
            nonlocal done
            done += count
            progress("file", done, total)

        return Backup(path, write_archive(path, facts, members, on_bytes), facts, left_out)


def _facts() -> dict[str, Any]:
    return {
        "made_at": timezone.now().isoformat(timespec="seconds"),
        "movierec": settings.SPECTACULAR_SETTINGS["VERSION"],
        "python": platform.python_version(),
        "postgres": pg_tools.server_version(),
        "migrations": sorted(".".join(migration) for migration in MigrationRecorder(connection).applied_migrations()),
        "model_format": MODEL_FORMAT,
        "active_model": registry.active_name(),
        "counts": {model._meta.db_table: model.objects.count() for model in COUNTED_MODELS},
        "settings": {name: getattr(settings, name) for name in COMPARED_SETTINGS},
        "source": DataState(settings.DATA_NOTE).as_dict(),
    }


def _model_files() -> tuple[dict[str, Path], dict[str, str]]:
    """Return the files of all models by their names in the archive, and why a model's folder is not among them."""
    members: dict[str, Path] = {}
    left_out: dict[str, str] = {}
    for version in ModelVersion.objects.exclude(status=ModelVersion.Status.REFUSED).order_by("name"):
        artifacts.try_fetch(version.name)  # the folder may lie in the model store alone
        try:
            members |= model_folders.archive_members(version.name)
        except ValueError as reason:
            left_out[version.name] = str(reason)
    return members, left_out
