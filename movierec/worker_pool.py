"""The child processes of a Celery worker."""

from typing import Any

from celery.concurrency import asynpool, prefork


class Pool(asynpool.AsynPool):
    """Children of a worker, which may connect to its broker again while one of them ends."""

    def _track_child_process(self, proc: Any, hub: Any) -> None:
        """Watch a child, unless it has ended and waits to be replaced: Celery would end the worker, as there is nothing
        left to be watched (celery#9250)."""
        if getattr(proc, "_sentinel_poll", proc) is not None:
            super()._track_child_process(proc, hub)  # type: ignore[misc]


class TaskPool(prefork.TaskPool):
    """Celery's pool of processes, with children as above."""

    Pool = Pool
