"""Check the age of the active model, the nightly jobs that replace it, and the schedules that start them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from recommender import training_data
from recommender.models import Job, ModelVersion
from recommender.monitoring.checks import Check, Status, format_duration, join_sentences

MAX_MODEL_AGE = timedelta(days=3)  # since it was trained
MAX_NIGHTLY_AGE = timedelta(hours=30)  # since the last nightly job ended
MAX_REFUSED = 3  # nightly jobs in a row
RECENT_RUNS = 10
MAX_SCHEDULE_DELAY = timedelta(minutes=3)  # beat writes down every 20 s what it has sent

NIGHTLY_COMMAND = "./run manage nightly"


def check_nightly() -> list[Check]:
    """Check the active model's age, the last nightly job, and how many in a row brought no new model."""
    jobs = list(Job.nights().defer("log_tail").order_by("-created_at")[:RECENT_RUNS])
    return [_check_model_age(), _check_last_run(jobs), _check_refused(jobs)]


def _check_model_age() -> Check:
    name, label = "model", "Age of the model"
    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).values("name", "created_at").first()
    if active is None:
        if missing := training_data.missing_events():
            detail = f"Popular films are served. A model needs {training_data.missing_message(missing)}."
            return Check(name, label, Status.WARN, "no model yet", detail)
        detail = "Popular films are served. There is enough to train one."
        return Check(name, label, Status.FAIL, "no model", detail, f"Train one: {NIGHTLY_COMMAND}")
    age = timezone.now() - active["created_at"]
    figures, detail = {"age_seconds": round(age.total_seconds())}, f"Since {active['name']} was trained."
    if age > MAX_MODEL_AGE:
        remedy = f"Look under Jobs in the admin why no night has replaced it; by hand: {NIGHTLY_COMMAND}"
        return Check(name, label, Status.FAIL, format_duration(age.total_seconds()), detail, remedy, figures)
    return Check(name, label, Status.OK, format_duration(age.total_seconds()), detail, figures=figures)


def _check_last_run(jobs: Sequence[Job]) -> Check:
    """Check the newest of the nightly jobs, which come newest first."""
    name, label, by_hand = "night", "Last night's run", f"By hand: {NIGHTLY_COMMAND}"
    if not jobs:
        return Check(name, label, Status.WARN, "none yet", "The first starts at 03:30 UTC.", by_hand)
    last = jobs[0]
    failed = [job.status == Job.Status.FAILED for job in jobs if job.finished_at is not None]
    figures = {"failed_in_a_row": float((failed + [False]).index(False))}
    if last.finished_at is None:
        detail = f"{last.phase} {last.done:,} of {last.total:,}" if last.total else last.phase
        return Check(name, label, Status.OK, last.status, detail, figures=figures)
    age = timezone.now() - last.finished_at
    figures["age_seconds"] = round(age.total_seconds())
    detail = f"Ended {format_duration(age.total_seconds())} ago"
    if last.started_at:
        detail += f", took {format_duration((last.finished_at - last.started_at).total_seconds())}"
    detail = join_sentences(detail, last.error or str(last.result.get("reason", "")))
    if last.status == Job.Status.FAILED:
        return Check(
            name,
            label,
            Status.FAIL,
            last.status,
            detail,
            f"Mend that; its page under Jobs has the log. Then: {NIGHTLY_COMMAND} --resume",
            figures,
        )
    if last.status == Job.Status.CANCELLED or age > MAX_NIGHTLY_AGE:
        return Check(name, label, Status.WARN, last.status, detail, by_hand, figures)
    return Check(name, label, Status.OK, last.status, detail, figures=figures)


def _check_refused(jobs: Sequence[Job]) -> Check:
    """Count the nightly jobs since the last new model: rejected by the promotion gate, or failed."""
    ended = [job for job in jobs if job.status in (Job.Status.DONE, Job.Status.FAILED)]
    count = next((index for index, job in enumerate(ended) if job.result.get("better")), len(ended))
    name, label, value = "nights_refused", "Nights without a new model", f"{count} in a row" if count else "none"
    detail = f"The last: {ended[0].error.partition('. ')[0] or ended[0].result.get('reason', '')}" if count else ""
    figures = {"nights": float(count)}
    if count >= MAX_REFUSED:
        remedy = (
            "The nights fail: see Last night's run."
            if ended[0].status == Job.Status.FAILED
            else "Model versions has the gate's reasons. In spite of them: ./run manage promote NAME --reason WHY"
        )
        return Check(name, label, Status.FAIL, value, detail, remedy, figures)
    return Check(name, label, Status.WARN if count else Status.OK, value, detail, figures=figures)


def check_schedules() -> Check:
    """Check whether beat started every periodic task that was due."""
    name, label = "schedules", "Schedules"
    tasks = PeriodicTask.objects.select_related("interval", "crontab", "solar", "clocked").order_by("name")
    now = timezone.now()
    delays = {
        task.name: delay for task in tasks if task.enabled and (delay := _overdue_by(task, now)) > MAX_SCHEDULE_DELAY
    }
    max_delay = max((delay.total_seconds() for delay in delays.values()), default=0)
    figures = {"overdue": float(len(delays)), "overdue_seconds": max_delay}
    if delays:
        late = "; ".join(f"{task} is {format_duration(delay.total_seconds())} late" for task, delay in delays.items())
        remedy = "Restart beat; its log says why it stopped. Each row stands under Periodic tasks in the admin."
        return Check(name, label, Status.FAIL, f"{len(delays)} did not start", f"{late}.", remedy, figures)
    if not tasks:
        detail = "Beat writes them at its first start."
        return Check(name, label, Status.WARN, "none yet", detail, "Start beat.", figures)
    if off := [task.name for task in tasks if not task.enabled]:
        detail = f"Switched off: {', '.join(off)}."
        return Check(name, label, Status.WARN, f"{len(off)} off", detail, "Periodic tasks in the admin.", figures)
    return Check(name, label, Status.OK, f"{len(tasks)} on time", figures=figures)


def _overdue_by(task: PeriodicTask, now: datetime) -> timedelta:
    """Return how long ago the task should have run again; negative where it is not due."""
    starts_at, ends_at = task.start_time, task.expires
    if (starts_at and starts_at > now) or (ends_at and ends_at < now):
        return timedelta(-1)
    if task.one_off or task.clocked_id or task.solar_id:
        return timedelta(-1)
    schedule: Any = task.schedule
    return -timedelta(seconds=schedule.remaining_estimate(task.last_run_at or task.date_changed).total_seconds())
