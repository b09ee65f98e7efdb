"""The Celery application. Queues: light (default), batch, training; see settings.CELERY_TASK_ROUTES."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, before_task_publish, task_postrun, task_prerun, worker_process_init

from movierec.logs import request_id

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "movierec.settings")

app = Celery("movierec")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
@beat_init.connect
def watch_postgres(**_: Any) -> None:
    """A call to a Postgres that is frozen, or cut off, would never end."""
    from movierec import lines  # Django is set up by now

    lines.watch(interactive=False)


# A task carries the id of the request that asked for it, so that the log tells one story.


@before_task_publish.connect
def name_request(headers: dict[str, Any], **_: Any) -> None:
    headers["request_id"] = request_id.get()


@task_prerun.connect
def take_over_request(task: Any, **_: Any) -> None:
    request_id.set(task.request.get("request_id") or "")


@task_postrun.connect
def leave_request(**_: Any) -> None:
    request_id.set("")
