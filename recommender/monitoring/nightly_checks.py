"""The model that serves, the nights that make the next one, and the schedules that begin them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from recommender import training_data
from recommender.models import Job, ModelVersion
from recommender.monitoring.checks import Check, Status, format_duration, join_sentences

MAX_MODEL_AGE = timedelta(days=3)  # since the model was trained
MAX_NIGHTLY_AGE = timedelta(hours=30)  # since the last night ended
MAX_REFUSED = 3  # nights in a row
RECENT_RUNS = 10  # nights
MAX_SCHEDULE_DELAY = timedelta(minutes=3)  # beat writes down every 20 s what it has sent

NIGHTLY_COMMAND = "./run manage nightly"


def check_nightly() -> list[Check]:
    found = list(Job.objects.filter(kind=Job.Kind.NIGHTLY).defer("log_tail").order_by("-created_at")[:RECENT_RUNS])
    return [_check_model_age(), _check_last_run(found), _check_refused(found)]


def _check_model_age() -> Check:
    name, label = "model", "Age of the model"
    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).values("name", "created_at").first()
    if active is None:
        if missing := training_data.missing_events():
            words = f"Popular films are served. A model needs {training_data.missing_message(missing)}."
            return Check(name, label, Status.WARN, "no model yet", words)
        words = "Popular films are served. There is enough to train one."
        return Check(name, label, Status.FAIL, "no model", words, f"Train one: {NIGHTLY_COMMAND}")
    age = timezone.now() - active["created_at"]
    figures, words = {"age_seconds": round(age.total_seconds())}, f"Since {active['name']} was trained."
    if age > MAX_MODEL_AGE:
        remedy = f"Look under Jobs why no night has replaced it; by hand: {NIGHTLY_COMMAND}"
        return Check(name, label, Status.FAIL, format_duration(age.total_seconds()), words, remedy, figures)
    return Check(name, label, Status.OK, format_duration(age.total_seconds()), words, figures=figures)


def _check_last_run(found: Sequence[Job]) -> Check:
    name, label = "night", "Last night's run"
    if not found:
        return Check(
            name, label, Status.WARN, "none yet", "The first starts at 03:30 UTC.", f"By hand: {NIGHTLY_COMMAND}"
        )
    last = found[0]
    if last.finished_at is None:
        words = f"{last.phase} {last.done:,} of {last.total:,}" if last.total else last.phase
        return Check(name, label, Status.OK, last.status, words)
    age = timezone.now() - last.finished_at
    words, figures = f"Ended {format_duration(age.total_seconds())} ago", {"age_seconds": round(age.total_seconds())}
    if last.started_at:
        words += f", took {format_duration((last.finished_at - last.started_at).total_seconds())}"
    words = join_sentences(words, last.error or str(last.result.get("reason", "")))
    if last.status == Job.Status.FAILED:
        return Check(name, label, Status.FAIL, last.status, words, f"Then: {NIGHTLY_COMMAND} --resume", figures)
    if last.status == Job.Status.CANCELLED or age > MAX_NIGHTLY_AGE:
        return Check(name, label, Status.WARN, last.status, words, f"By hand: {NIGHTLY_COMMAND}", figures)
    return Check(name, label, Status.OK, last.status, words, figures=figures)


def _check_refused(found: Sequence[Job]) -> Check:
    """Nights in a row whose model did not go live: refused by the gate, or failed."""
    ended = [night for night in found if night.status in (Job.Status.DONE, Job.Status.FAILED)]
    row = next((n for n, night in enumerate(ended) if night.result.get("better")), len(ended))
    figures = {"nights": float(row)}
    name, label, value = "nights_refused", "Nights without a new model", f"{row} in a row" if row else "none"
    words = f"The last: {ended[0].error.partition('. ')[0] or ended[0].result.get('reason', '')}" if row else ""
    if row >= MAX_REFUSED:
        remedy = "Look at the gate's reasons under Model versions; `./run manage promote` takes one in spite of it."
        return Check(name, label, Status.FAIL, value, words, remedy, figures)
    return Check(name, label, Status.WARN if row else Status.OK, value, words, figures=figures)


def check_schedules() -> list[Check]:
    """One check: what beat should have begun, and did not."""
    tasks = PeriodicTask.objects.select_related("interval", "crontab", "solar", "clocked").order_by("name")
    now = timezone.now()
    late = {task.name: by for task in tasks if task.enabled and (by := _overdue_by(task, now)) > MAX_SCHEDULE_DELAY}
    off = [task.name for task in tasks if not task.enabled]
    figures = {
        "overdue": float(len(late)),
        "overdue_seconds": max((by.total_seconds() for by in late.values()), default=0),
    }
    name, label = "schedules", "Schedules"
    if late:
        told = "; ".join(f"{task} is {format_duration(by.total_seconds())} late" for task, by in late.items())
        remedy = "Restart beat (logs/beat.log); look at the rows under Periodic tasks."
        return [Check(name, label, Status.FAIL, f"{len(late)} did not start", f"{told}.", remedy, figures)]
    if not tasks:
        words = "Beat writes them at its first start."
        return [Check(name, label, Status.WARN, "none yet", words, "Start beat.", figures)]
    if off:
        words = f"Switched off: {', '.join(off)}."
        return [Check(name, label, Status.WARN, f"{len(off)} off", words, "Periodic tasks in the admin.", figures)]
    return [Check(name, label, Status.OK, f"{len(tasks)} on time", figures=figures)]


def _overdue_by(task: PeriodicTask, now: datetime) -> timedelta:
    """How long ago it should have run again. Negative: it is not due."""
    begins, ends = task.start_time, task.expires
    if (begins and begins > now) or (ends and ends < now) or task.one_off or task.clocked_id or task.solar_id:
        return timedelta(-1)
    schedule: Any = task.schedule
    return -timedelta(seconds=schedule.remaining_estimate(task.last_run_at or task.date_changed).total_seconds())
