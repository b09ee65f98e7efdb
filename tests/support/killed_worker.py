"""Kill a worker (SIGKILL) that loads this module beside the tasks (celery -I), where MOVIEREC_DIES_AT says."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from recommender import cache
from recommender.jobs.leases import Lease
from recommender.ml import train

KILL_POINTS = ("reading", "training", "checkpoint", "saving", "lists", "activation")
KILL_POINT = os.environ.get("MOVIEREC_DIES_AT", "")


def kill_worker() -> NoReturn:
    """Kill the worker and its children."""
    os.killpg(os.getpgrp(), signal.SIGKILL)
    raise SystemExit


def _kill_in_phase(progress: Callable[..., None]) -> Callable[..., None]:
    """Return a progress report that kills the worker in the phase KILL_POINT."""

    def report_and_kill(lease: Lease, phase: str, done: int = 0, total: int = 0) -> None:
        progress(lease, phase, done, total)
        if phase == KILL_POINT and (phase not in ("training", "lists") or done > 2):
            lease.save()
            kill_worker()

    return report_and_kill


def _save_half(path: Path, state: Any) -> None:
    """Leave half a checkpoint in its place: worse than a real kill, as files are renamed when they are complete."""
    if path.name == "transformer_epoch2.pt":
        _save(path, state)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        kill_worker()
    _save(path, state)


_save = train.save_checkpoint
if KILL_POINT == "checkpoint":
    train.save_checkpoint = _save_half
elif KILL_POINT == "activation":  # the row has changed, the pointer in Redis has not
    cache.publish_model = lambda name: kill_worker()
elif KILL_POINT:
    Lease.report_progress = _kill_in_phase(Lease.report_progress)  # type: ignore[method-assign]
