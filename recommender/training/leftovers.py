"""What trainings that failed, were cancelled or killed leave in the checkpoint folder. It has rows of viewers."""

import json
import shutil
from pathlib import Path

from django.conf import settings

from catalog import selectors
from recommender.models import Job


def clear() -> int:
    """Deletes what no training goes on from: what was being read or written, and data read before somebody was erased.
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
    note, snapshot = folder / "run.json", folder / "snapshot.npz"
    over = [] if _of_now(note) else [path for path in (note, snapshot) if path.exists()]
    return [*folder.glob("events-*"), *folder.glob("*.part.npz"), *over]


def _of_now(note: Path) -> bool:
    """Whether nobody was erased since the data was read that this note is about."""
    try:
        return bool(json.loads(note.read_text())["erasures"] == selectors.erasures())
    except (OSError, ValueError, KeyError):
        return False
