"""What turns bad is told once by webhook and by e-mail, and once more when it is over."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.management import get_commands
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from recommender import cache, record_log, tasks, webhooks
from recommender.models import Alert, Experiment, Exposure, Job, ModelVersion, WebhookEndpoint
from recommender.monitoring import nightly_checks, queue_checks, server_checks
from recommender.monitoring.checks import Status
from recommender.monitoring.system_health import check_system
from recommender.serving import metrics

pytestmark = pytest.mark.django_db


def old_model():
    """Make the check of the model's age bad."""
    version = ModelVersion.objects.create(name="old", preset="basic", status="active")
    ModelVersion.objects.filter(pk=version.pk).update(created_at=timezone.now() - timedelta(days=9))
    return version


def alerts_of(check="model"):
    return list(Alert.objects.filter(check_name=check))


def test_it_is_told_when_it_lasts_and_when_it_is_over(receiver, settings):
    settings.ALERT_EMAILS = ["operator@films.example.com"]
    endpoint = WebhookEndpoint.objects.create(url=receiver.url, secret=receiver.secret, events=["system.alert"])
    WebhookEndpoint.objects.create(url="https://example.org/", secret=receiver.secret, events=["night.ended"])
    version = old_model()

    def round_of_schedule():
        told = tasks.watch_system()
        webhooks.queue_jobs_and_find_due()
        tasks.deliver_webhook(str(endpoint.pk))
        return told, [body["data"] for _, body in receiver.received if body["data"]["check"] == "model"]

    assert round_of_schedule()[1] == []
    assert [alert.raised_at for alert in alerts_of()] == [None]
    _, told = round_of_schedule()
    assert [(data["state"], data["label"]) for data in told] == [("raised", "Age of the model")]
    assert "nightly" in told[0]["detail"], "it says what to do"
    assert len(round_of_schedule()[1]) == 1
    ModelVersion.objects.filter(pk=version.pk).update(created_at=timezone.now())
    _, told = round_of_schedule()
    assert [data["state"] for data in told] == ["raised", "ended"]
    mails = [sent for sent in mail.outbox if "model" in sent.subject]
    assert [sent.subject for sent in mails] == [
        "movierec: Age of the model",
        "movierec: Age of the model: good again",
    ]
    assert mails[0].to == ["operator@films.example.com"]
    assert not WebhookEndpoint.objects.exclude(pk=endpoint.pk).get().messages.exists()
    with time_machine.travel(timezone.now() + timedelta(days=settings.JOBS_KEPT_DAYS + 1)):
        tasks.prune()
    assert alerts_of() == []


def test_what_is_bad_for_a_moment_wakes_nobody():
    version = old_model()
    tasks.watch_system()
    version.delete()
    ModelVersion.objects.create(name="new", preset="basic", status="active")
    tasks.watch_system()
    assert alerts_of() == []


def test_a_mail_server_that_is_away_stops_nothing(settings):
    settings.ALERT_EMAILS = ["operator@films.example.com"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    old_model()
    tasks.watch_system()
    assert tasks.watch_system() >= 1
    assert alerts_of()[0].raised_at is not None


def told_of(check):
    """Return the text of the alert that two rounds raise."""
    tasks.watch_system()
    tasks.watch_system()
    [alert] = alerts_of(check)
    assert alert.raised_at is not None
    return alert.detail


def test_arms_without_their_shares_are_told_with_what_to_do():
    experiment = Experiment.objects.create(name="variety", hypothesis="?", status=Experiment.Status.RUNNING)
    control, _ = (experiment.arms.create(name=name) for name in ("control", "varied"))
    Exposure.objects.bulk_create(
        Exposure(experiment=experiment, arm=control, viewer_id=viewer, first_at=timezone.now()) for viewer in range(40)
    )
    text = told_of("experiments")
    assert "variety: the viewers are control 40, varied 0" in text
    assert "stop it" in text


def test_lists_that_were_lost_are_told_and_a_worker_that_is_behind_is_amber(settings):
    def check():
        waiting = {log: cache.count_waiting_records(log) for log in record_log.LOGS}
        return queue_checks.check_logs(waiting, metrics.read_buckets(60, 60))

    assert check().status == Status.OK
    settings.LOG_BACKLOG = queue_checks.MAX_WAITING + 1
    cache.append_records(record_log.SERVED_LISTS, [b"x"] * (queue_checks.MAX_WAITING + 1), settings.LOG_BACKLOG)
    assert (check().status, check().value) == (Status.WARN, "the worker is behind")
    tasks.store_served_lists()  # nothing of it can be read
    assert check().status == Status.FAIL
    assert "lost" in told_of("logs")


def test_nights_that_fail_are_counted_also_while_the_next_one_runs():
    def night(**ended):
        Job.objects.create(kind=Job.Kind.NIGHTLY, **ended)
        return nightly_checks.check_nightly()[1].figures["failed_in_a_row"]

    now = timezone.now()
    assert night(status=Job.Status.DONE, finished_at=now) == 0
    assert night(status=Job.Status.FAILED, finished_at=now) == 1
    assert night(status=Job.Status.RUNNING) == 1
    Job.objects.filter(status=Job.Status.RUNNING).update(status=Job.Status.FAILED, finished_at=now)
    assert night(status=Job.Status.RUNNING) == 2


def test_each_mail_says_what_is_seen_and_what_to_do(settings, monkeypatch):
    """Everything is red at once but the servers and the disks, whose faults have tests of their own."""
    settings.ALERT_EMAILS = ["operator@films.example.com"]
    monkeypatch.setattr(server_checks, "FRESH_SECONDS", 0.0)
    hours_ago = timezone.now() - timedelta(hours=2)
    old_model()
    for _ in range(3):
        Job.objects.create(kind=Job.Kind.NIGHTLY, status=Job.Status.FAILED, finished_at=hours_ago, error="No room.")
    waiting = Job.objects.create(kind=Job.Kind.BATCH)
    Job.objects.filter(pk=waiting.pk).update(created_at=hours_ago)
    every_minute, _ = IntervalSchedule.objects.get_or_create(every=1, period="minutes")
    PeriodicTask.objects.create(name="charts", task="x", interval=every_minute, last_run_at=hours_ago)
    experiment = Experiment.objects.create(name="variety", hypothesis="?", status=Experiment.Status.RUNNING)
    for name in ("control", "other"):
        experiment.arms.create(name=name, model="gone" if name == "other" else "")
    cache.append_records(record_log.SERVED_LISTS, [b"x"], settings.LOG_BACKLOG)
    tasks.store_served_lists()  # it cannot be read
    metrics.count_http_call("lists", failed=True)
    metrics.flush()
    tasks.watch_system()
    tasks.watch_system()
    told = {sent.subject.removeprefix("movierec: "): sent.body for sent in mail.outbox}
    red = [check for check in check_system().checks if check.status == Status.FAIL]
    assert set(told) == {check.label for check in red}
    assert len(told) >= 14
    for check in red:
        text = told[check.label]
        assert text.startswith(f"{check.label}: {check.value.split()[0]}")
        assert check.remedy
        assert check.remedy in text
        assert "tile" not in text, "a mail has none"
        assert set(re.findall(r"run manage (\w+)", text)) <= set(get_commands())
    assert "logs/beat.log" in told["Schedule (beat)"]
    assert "see Last night's run" in told["Nights without a new model"], "no gate has refused one"
    assert "the model gone of the arm other" in told["Experiments"]
