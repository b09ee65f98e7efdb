"""Cleans up what trainings leave that failed, were cancelled or killed: the checkpoint folder has viewers' rows."""

import json
import shutil
from pathlib import Path

from django.conf import settings

from catalog import selectors
from recommender.models import Job

SNAPSHOT_FOLDER = "snapshot"
DATA_SET_FILE = "data_set"  # in the folder: the number of the data set that all of it is about


def delete_stale_files() -> int:
    """Delete what no training goes on from. Returns how many files and folders; 0 while a training runs.

    That is what was being read or written, data read before a viewer was erased, and the whole folder with its
    checkpoints where the data was replaced since.
    """
    _forget_deleted_viewers()
    stale = _stale_paths(Path(settings.CHECKPOINT_DIR))
    # After looking: what a training has made since then is not among these.
    if Job.objects.filter(kind=Job.Kind.NIGHTLY, status=Job.Status.RUNNING).exists():
        return 0
    for path in stale:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(stale)


def _forget_deleted_viewers() -> None:
    """Take viewers who were erased, on whatever machine, out of the histories that this one has."""
    if settings.SHARDS_DIR.exists():
        # It reads Parquet, which web processes do without.
        from recommender.shards.erasure import forget_deleted

        forget_deleted(settings.SHARDS_DIR)


def _stale_paths(folder: Path) -> list[Path]:
    if _is_of_former_data(folder / DATA_SET_FILE):
        return list(folder.iterdir())
    note, snapshot = folder / "run.json", folder / SNAPSHOT_FOLDER
    outdated = [] if _is_current(note) else [path for path in (note, snapshot) if path.exists()]
    return [*folder.glob(".*.part"), *outdated]


def _is_current(note: Path) -> bool:
    """Return whether no viewer was erased since the data was read that this note is about."""
    try:
        return bool(json.loads(note.read_text())["erasures"] == selectors.erasure_count())
    except (OSError, ValueError, KeyError):
        return False


def _is_of_former_data(file: Path) -> bool:
    try:
        return int(file.read_text()) != selectors.data_set()
    except (OSError, ValueError):  # written by a version that had no such file
        return False
