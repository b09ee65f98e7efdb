"""What turns bad is told once by webhook and by e-mail, and once more when it is over."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from recommender import tasks, webhooks
from recommender.models import Alert, ModelVersion, WebhookEndpoint
from tests.support.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings):
    settings.WEBHOOKS_TO_PRIVATE = True
    receiver = WebhookReceiver()
    receiver.secret = webhooks.make_secret()
    yield receiver
    receiver.stop()


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
        "movierec: Age of the model is good again",
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
