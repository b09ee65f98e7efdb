"""Beat's schedule in the database, which outlives a restart and a clock that is set back."""

import socket
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from celery.utils.time import maybe_make_aware
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from infrastructure.heartbeat import HEARTBEAT_SECONDS
from infrastructure.signals import process_alive

MAX_CLOCK_SKEW = timedelta(seconds=5)  # a last run further in the future than this was made by another clock


class Scheduler(DatabaseScheduler):
    """Beat's scheduler, with a heartbeat and a check of the clock."""

    sync_every = 20.0  # seconds: the health checks read from the row whether a schedule has fired
    last_heartbeat = float("-inf")  # monotonic seconds

    def setup_schedule(self) -> None:
        """Correct the task of the settings' entries that the database has, then add those that it lacks."""
        for name, entry in self.app.conf.beat_schedule.items():
            PeriodicTask.objects.filter(name=name).exclude(task=entry["task"]).update(task=entry["task"])
        super().setup_schedule()

    def update_from_dict(self, mapping: Mapping[str, Any]) -> None:
        """Add the settings' entries that the database lacks: the others may have been edited in the admin."""
        known = PeriodicTask.objects.filter(name__in=mapping).values_list("name", flat=True)
        super().update_from_dict({name: mapping[name] for name in set(mapping) - set(known)})

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Run what is due, and send a heartbeat. A clock that was set back does not stop the schedule."""
        ahead = [
            entry for entry in self.schedule.values() if maybe_make_aware(entry.last_run_at) > self._latest_valid_run()
        ]
        for entry in ahead:
            entry.last_run_at = entry.model.last_run_at = entry.default_now()
            self._dirty.add(entry.name)
        if ahead:
            self._heap = None
            self.sync()
        pause = float(super().tick(*args, **kwargs))
        if not 0 <= time.monotonic() - self.last_heartbeat < HEARTBEAT_SECONDS:
            self.last_heartbeat = time.monotonic()
            process_alive.send_robust(sender=Scheduler, kinds=("beat",), process=f"beat@{socket.gethostname()}")
        return pause

    def _latest_valid_run(self) -> Any:
        return maybe_make_aware(self.app.now()) + MAX_CLOCK_SKEW
