"""The Celery application. Queues: light (default), batch, training; see settings.CELERY_TASK_ROUTES."""

import os
from typing import Any

from celery import Celery
from celery.signals import before_task_publish, celeryd_init, task_postrun, task_prerun

from movierec.logs import request_id
from movierec.resources import limit_threads

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "movierec.settings")

app = Celery("movierec")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect
def share_processors(conf: Any, options: Any = None, **_: Any) -> None:
    """Before a worker forks: tasks that it runs side by side share the processors."""
    limit_threads(int((options or {}).get("concurrency") or conf.worker_concurrency or 1))


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
