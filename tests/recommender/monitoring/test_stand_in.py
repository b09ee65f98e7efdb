"""A web process tells what turned bad where the rounds of alerts cannot be done without it."""

import pytest
from django.utils import timezone

from recommender import tasks
from recommender.models import Alert, Job, WebhookEndpoint
from recommender.monitoring import server_checks, stand_in
from recommender.monitoring.stand_in import StandIn
from tests.support import servers
from tests.support.mail_receiver import MailReceiver
from tests.support.tiny_model import clear_caches


@pytest.fixture
def mails(settings, tmp_path):
    receiver = MailReceiver()
    settings.STATE_DIR = tmp_path
    settings.ALERT_EMAILS = ["operator@films.example.com"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", receiver.port
    clear_caches()
    yield receiver
    receiver.stop()
    clear_caches()


@pytest.fixture
def web(mails, monkeypatch):
    """A web process that has waited long enough for a round."""
    monkeypatch.setattr(server_checks, "FRESH_SECONDS", 0.0)
    web = StandIn()
    web.round_seen_at -= stand_in.MAX_SILENCE
    return web


def fail_a_night():
    Job.objects.create(kind=Job.Kind.NIGHTLY, status=Job.Status.FAILED, finished_at=timezone.now(), error="No room.")


@pytest.mark.django_db
def test_nothing_is_done_while_a_worker_does_the_rounds(web, mails):
    fail_a_night()
    tasks.watch_system()
    alert = Alert.objects.get(check_name="night")
    web.look()
    web.look()
    alert.refresh_from_db()
    assert alert.raised_at is None
    assert mails.received == []


@pytest.mark.django_db
def test_it_does_the_rounds_where_nobody_does_and_delivers_the_webhooks(web, mails, receiver, settings):
    WebhookEndpoint.objects.create(url=receiver.url, secret=receiver.secret, events=["system.alert"])
    fail_a_night()
    web.look()
    assert mails.received == [], "only what lasts is told"
    web.look()
    assert "movierec: Last night's run" in mails.subjects
    assert "movierec: Schedule (beat)" in mails.subjects
    labels = [body["data"]["label"] for _, body in receiver.received]
    assert "Schedule (beat)" in labels
    count = len(mails.received)
    web.look()
    assert len(mails.received) == count, "each is told once"
    Alert.objects.all().delete()
    tasks.watch_system()  # a worker is there again
    web.look()
    web.look()
    assert len(mails.received) == count, "and the worker does the rounds"


@pytest.mark.django_db
def test_one_process_of_a_machine_looks_and_another_takes_its_place(web, mails):
    other = StandIn()
    other.round_seen_at -= stand_in.MAX_SILENCE
    web.look()
    other.look()
    assert [alert.raised_at for alert in Alert.objects.filter(check_name="process:beat")] == [None]
    web._file.close()  # as when it ends
    other.look()
    assert "movierec: Schedule (beat)" in mails.subjects


@pytest.mark.django_db
def test_without_redis_the_rounds_are_done_all_the_same(web, mails):
    with servers.VALKEY.freeze():
        web.look()
        web.look()
    assert "movierec: Redis" in mails.subjects
    body = mails.received[mails.subjects.index("movierec: Redis")].get_content()
    assert "does not answer" in body


@pytest.mark.django_db(transaction=True)
def test_a_postgres_that_takes_no_writes_is_told_once_and_when_it_is_over(web, mails, receiver, django_db_blocker):
    WebhookEndpoint.objects.create(url=receiver.url, secret=receiver.secret, events=["system.alert"])
    web.look()
    mails.received.clear()
    receiver.received.clear()
    with servers.POSTGRES.freeze():
        web.look()
        assert mails.received == []
        web.look()
        web._file.close()
        successor = StandIn()
        successor.look()
        successor.look()
    successor.look()
    assert mails.subjects == ["movierec: Postgres", "movierec: Postgres: good again"]
    first, last = (mail.get_content() for mail in mails.received)
    assert "does not answer" in first
    assert "restart it if it runs and hangs" in first
    assert last.startswith("Postgres: good again. It was: does not answer")
    assert [(body["data"]["check"], body["data"]["state"]) for _, body in receiver.received] == [
        ("postgres", "raised"),
        ("postgres", "ended"),
    ]
