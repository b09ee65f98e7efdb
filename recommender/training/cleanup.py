"""What trainings that failed, were cancelled or killed leave in the checkpoint folder. It has rows of viewers."""

import json
import shutil
from pathlib import Path

from django.conf import settings

from catalog import selectors
from recommender.models import Job

DATA_SET_FILE = "data_set"  # a file of the folder: the number of the data that it is all about


def delete_stale_files() -> int:
    """Deletes what no training goes on from: what was being read or written, data read before somebody was erased, and
    all of it, checkpoints too, where the data was replaced since.
    Returns how many files and folders; none while a training runs."""
    found = _left(Path(settings.CHECKPOINT_DIR))
    # Asked after looking: what a training has made since then is not among what was found.
    if Job.objects.filter(kind=Job.Kind.NIGHTLY, status=Job.Status.RUNNING).exists():
        return 0
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(found)


def _left(folder: Path) -> list[Path]:
    if _of_former_data(folder / DATA_SET_FILE):
        return list(folder.iterdir())
    note, snapshot = folder / "run.json", folder / "snapshot.npz"
    over = [] if _of_now(note) else [path for path in (note, snapshot) if path.exists()]
    return [*folder.glob("events-*"), *folder.glob("*.part.npz"), *folder.glob(".*.part"), *over]


def _of_now(note: Path) -> bool:
    """Whether nobody was erased since the data was read that this note is about."""
    try:
        return bool(json.loads(note.read_text())["erasures"] == selectors.erasure_count())
    except (OSError, ValueError, KeyError):
        return False


def _of_former_data(file: Path) -> bool:
    try:
        return int(file.read_text()) != selectors.data_set()
    except (OSError, ValueError):  # of a version that did not note it
        return False
