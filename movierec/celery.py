"""The Celery application. Queues: light (default), batch, training; see settings.CELERY_TASK_ROUTES."""

import os
import sys
from typing import Any

from celery import Celery, bootsteps
from celery.signals import (
    beat_init,
    before_task_publish,
    celeryd_after_setup,
    celeryd_init,
    task_postrun,
    task_prerun,
    worker_process_init,
    worker_process_shutdown,
)

from infrastructure.heartbeat import HEARTBEAT_SECONDS
from infrastructure.logs import request_id, tolerate_full_disk
from infrastructure.resources import limit_threads
from infrastructure.signals import process_alive

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "movierec.settings")
if "celery" in sys.argv[0]:  # a worker or beat, not a process that only sends tasks
    tolerate_full_disk()

app = Celery("movierec")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_after_setup.connect
def compare_settings(**_: Any) -> None:
    """Log, before a worker forks, which settings other machines have otherwise."""
    from infrastructure.shared_settings import log_differences  # needs the settings

    log_differences()


@worker_process_init.connect
@beat_init.connect
def start_postgres_monitor(**_: Any) -> None:
    """Monitor Postgres: a call to one that is frozen, or cut off, would never end."""
    from infrastructure import connectivity  # needs the settings, which Celery has loaded by now

    connectivity.start_monitors(interactive=False)


@worker_process_init.connect
def start_traces(**_: Any) -> None:
    """Trace the tasks of this process, where traces are on."""
    from infrastructure import tracing  # needs the settings, which Celery has loaded by now

    tracing.start("worker")


@worker_process_shutdown.connect
def stop_traces(**_: Any) -> None:
    """Send the last traces."""
    from infrastructure import tracing

    tracing.stop()


class WorkerHeartbeat(bootsteps.StartStopStep):
    """A worker's heartbeat, from the loop that takes its messages.

    It stops while the worker has no broker, and goes on while a task of its pool works for hours.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)
    timer: Any = None

    def start(self, consumer: Any) -> None:
        """Send a heartbeat now and every HEARTBEAT_SECONDS."""
        kinds = tuple(consumer.app.amqp.queues.consume_from)

        def send_heartbeat() -> None:
            process_alive.send_robust(sender=WorkerHeartbeat, kinds=kinds, process=consumer.hostname)

        send_heartbeat()
        self.timer = consumer.timer.call_repeatedly(HEARTBEAT_SECONDS, send_heartbeat)

    def stop(self, consumer: Any) -> None:
        """Stop the heartbeat."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


app.steps["consumer"].add(WorkerHeartbeat)


@celeryd_init.connect
def limit_torch_threads(conf: Any, options: Any = None, **_: Any) -> None:
    """Share the processors among the tasks that a worker runs side by side, before it forks."""
    limit_threads(int((options or {}).get("concurrency") or conf.worker_concurrency or 1))


# A task carries the id of the request that sent it, so that both log the same id.


@before_task_publish.connect
def send_request_id(headers: dict[str, Any], **_: Any) -> None:
    """Put the request's id into the task's message."""
    headers["request_id"] = request_id.get()


@task_prerun.connect
def adopt_request_id(task: Any, **_: Any) -> None:
    """Log with the id of the request that sent the task."""
    request_id.set(task.request.get("request_id") or "")


@task_postrun.connect
def clear_request_id(**_: Any) -> None:
    """Log without an id again after the task."""
    request_id.set("")
