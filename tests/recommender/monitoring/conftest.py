"""What is told of the system arrives here."""

import pytest

from recommender import webhooks
from tests.support.webhook_receiver import WebhookReceiver


@pytest.fixture
def receiver(settings):
    settings.WEBHOOKS_TO_PRIVATE = True
    receiver = WebhookReceiver()
    receiver.secret = webhooks.make_secret()
    yield receiver
    receiver.stop()
