"""Makes a backup: a dump of one snapshot of the database, and the folders of the models that it names."""

import json
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
from recommender.locks import advisory_lock
from recommender.ml.config import FORMAT as MODEL_FORMAT
from recommender.models import ApiKey, ModelVersion
from recommender.registry import artifacts

COUNTED_MODELS = (Movie, Viewer, WatchEvent, Rule, ModelVersion, ApiKey, PeriodicTask, get_user_model())
# What lists depend on and no table holds: a restore tells where it differs.
COMPARED_SETTINGS = ("LIST_LENGTH", "LIST_TTL", "CERTIFICATE_COUNTRY", "UNCERTIFIED_AGE", "MODELS_KEPT")
COMPRESSION_RATIO = 5  # tables take about so many times the bytes of their dump


@dataclass(frozen=True)
class Backup:
    path: Path
    seal: str  # of its manifest, which has the checksum of everything else
    facts: dict[str, Any]
    left_out: dict[str, str]  # model -> why its folder is not in it


def create_backup(path: Path, progress: Progress) -> Backup:
    """Raises DumpFailed, OSError. A file that was there before is replaced once the new one is complete and checked."""
    with (
        tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as aside,
        advisory_lock("activation", wait=True),  # nobody deletes a model's folder meanwhile
    ):
        dump = Path(aside) / DUMP
        with pg_tools.export_snapshot() as name:
            facts, expected = _facts(), _table_bytes() // COMPRESSION_RATIO
            models, left_out = _model_files()
            for written in pg_tools.dump(name, dump):
                progress("database", written, expected)
        members = {DUMP: dump} | models
        facts["models_left_out"] = left_out
        total, done = 2 * sum(file.stat().st_size for file in members.values()), 0

        def told(count: int) -> None:
            nonlocal done
            done += count
            progress("file", done, total)

        return Backup(path, write_archive(path, facts, members, told), facts, left_out)


def _facts() -> dict[str, Any]:
    return {
        "made_at": timezone.now().isoformat(timespec="seconds"),
        "movierec": settings.SPECTACULAR_SETTINGS["VERSION"],
        "python": platform.python_version(),
        "postgres": pg_tools.server_version(),
        "migrations": sorted(".".join(one) for one in MigrationRecorder(connection).applied_migrations()),
        "model_format": MODEL_FORMAT,
        "active_model": registry.active_name(),
        "counts": {model._meta.db_table: model.objects.count() for model in COUNTED_MODELS},
        "settings": {name: getattr(settings, name) for name in COMPARED_SETTINGS},
        "source": _data_source(),
    }


def _data_source() -> dict[str, Any]:
    file = settings.DATA_NOTE
    return dict(json.loads(file.read_text())) if file.exists() else {}


def _table_bytes() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(pg_table_size(oid)) FROM pg_class WHERE relkind = 'r'")
        return int(cursor.fetchone()[0])


def _model_files() -> tuple[dict[str, Path], dict[str, str]]:
    """Member -> file; and why a model's folder is not among them."""
    members: dict[str, Path] = {}
    left_out: dict[str, str] = {}
    for version in ModelVersion.objects.exclude(status=ModelVersion.Status.REFUSED).order_by("name"):
        artifacts.try_fetch(version.name)  # it may lie in the model store alone
        try:
            members |= model_folders.archive_members(version.name)
        except ValueError as reason:
            left_out[version.name] = str(reason)
    return members, left_out
