"""The operator hears of a Postgres that is gone, by mail and by webhook, with nothing there but a web process."""

import re

import pytest

from recommender import webhooks
from recommender.models import WebhookEndpoint
from recommender.monitoring import stand_in
from tests.support import servers
from tests.support.mail_receiver import MailReceiver
from tests.support.webhook_receiver import WebhookReceiver
from tests.support.workers import wait_until

pytestmark = pytest.mark.slow

TOLD_SECONDS = 3 * stand_in.INTERVAL  # two looks, and a busy machine


@pytest.fixture(scope="module")
def mails():
    """A mail server that the module's web processes know from their environment."""
    receiver = MailReceiver()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MOVIEREC_ALERT_EMAILS", "operator@films.example.com")
        environment.setenv("MOVIEREC_EMAIL_URL", f"smtp://127.0.0.1:{receiver.port}")
        environment.setenv("MOVIEREC_WEBHOOKS_TO_PRIVATE", "1")
        yield receiver
    receiver.stop()


@pytest.fixture
def hook(mails, live):
    receiver = WebhookReceiver()
    receiver.secret = webhooks.make_secret()
    WebhookEndpoint.objects.create(url=receiver.url, secret=receiver.secret, events=["system.alert"])
    yield receiver
    receiver.stop()


def test_a_postgres_that_is_stopped_is_told_once_and_so_is_its_return(mails, live, hook):
    wait_until(lambda: "movierec: Schedule (beat)" in mails.subjects, 2 * stand_in.MAX_SILENCE + TOLD_SECONDS)
    assert any(body["data"]["check"] == "process:beat" for _, body in hook.received), "no worker delivered it"
    mails.received.clear()
    hook.received.clear()

    servers.POSTGRES.stop()
    wait_until(lambda: mails.received, TOLD_SECONDS)
    wait_until(lambda: hook.received, 10)
    assert mails.subjects == ["movierec: Postgres"]
    text = mails.received[0].get_content()
    assert re.search(r"Postgres: does not answer\..*Start it, or restart it", text, re.S)
    assert live.send("/health/ready").status == 200, "stored lists are served meanwhile"

    servers.POSTGRES.start()
    wait_until(lambda: len(mails.received) > 1, TOLD_SECONDS)
    assert mails.subjects == ["movierec: Postgres", "movierec: Postgres: good again"]
    wait_until(lambda: len(hook.received) > 1, 10)
    told = [(body["data"]["check"], body["data"]["state"]) for _, body in hook.received]
    assert told == [("postgres", "raised"), ("postgres", "ended")]
