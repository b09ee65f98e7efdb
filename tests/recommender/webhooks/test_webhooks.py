"""Webhooks against a real HTTP server: signed, told once of what changed, tried again, given up."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from recommender import tasks, webhooks
from recommender.models import AuditEntry, Job, WebhookEndpoint, WebhookMessage
from recommender.webhooks.endpoints import EndpointError, is_public
from recommender.webhooks.http_post import post
from tests.support import forms
from tests.support.admin import open_page
from tests.support.cast import ADA, BEN, JEDI, NEMO
from tests.support.viewer_traces import event
from tests.support.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.usefixtures("cast")
KEY = "anna@example.org"


@pytest.fixture
def receiver():
    receiver = WebhookReceiver()
    yield receiver
    receiver.stop()


@pytest.fixture
def endpoint(receiver, settings):
    settings.WEBHOOKS_TO_PRIVATE = True
    tasks.flush_outbox()  # what the cast did before
    receiver.secret = webhooks.make_secret()
    return WebhookEndpoint.objects.create(
        url=receiver.url, secret=receiver.secret, events=list(WebhookEndpoint.Event.values)
    )


def deliver(endpoint, seconds=0):
    """Run a round of the schedule, some seconds later. Returns how many messages were taken."""
    with time_machine.travel(timezone.now() + timedelta(seconds=seconds)):
        tasks.flush_outbox()
        due = webhooks.queue_jobs_and_find_due()
        return tasks.deliver_webhook(str(endpoint.pk)) if endpoint.pk in due else 0


def test_a_viewers_change_is_told_once_signed_and_with_the_key_alone(endpoint, receiver, site):
    site.post("/events", [event(ADA, NEMO), event(KEY, NEMO)])
    site.post("/events", event(KEY, JEDI))
    site.patch(f"/users/{ADA}", {"age_limit": 12})
    assert deliver(endpoint) == 2

    bodies = [body for _, body in receiver.received]
    assert {body["type"] for body in bodies} == {"viewer.lists_changed"}
    assert sorted(map(str, (body["data"]["user_id"] for body in bodies))) == [str(ADA), KEY]
    assert all(set(body) == {"type", "timestamp", "data"} and set(body["data"]) == {"user_id"} for body in bodies)
    assert deliver(endpoint) == 0, "nothing changed since"


def test_a_viewer_who_changes_often_is_told_of_now_and_then(endpoint, receiver, site, settings):
    for movie in (NEMO, JEDI):
        site.post("/events", event(BEN, movie, "like"))
        deliver(endpoint)
    assert len(receiver.received) == 1
    with time_machine.travel(timezone.now() + timedelta(seconds=settings.WEBHOOK_VIEWER_SECONDS + 1)):
        assert tasks.deliver_webhook(str(endpoint.pk)) == 1
    first, second = receiver.received
    assert first[0] != second[0], "another change is another message"
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        webhooks.prune()
    assert not WebhookMessage.objects.exists(), "nothing is kept of who did something"


def test_what_was_not_taken_is_sent_again_with_the_same_id_and_rarer(endpoint, receiver, site):
    receiver.statuses = [500, 503]
    site.post("/events", event(ADA, NEMO))
    assert deliver(endpoint) == 0
    assert deliver(endpoint) == 0, "not before its time"
    assert len(receiver.received) == 1
    assert deliver(endpoint, 6) == 0
    assert deliver(endpoint, 20) == 0
    assert deliver(endpoint, 40) == 1
    assert len({message_id for message_id, _ in receiver.received}) == 1
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.failing_since, endpoint.last_error) == (0, None, "")


def test_an_endpoint_that_fails_for_long_is_disabled_with_a_notice(endpoint, receiver, site, admin_client):
    receiver.stop()
    site.post("/events", event(ADA, NEMO))
    deliver(endpoint)
    endpoint.refresh_from_db()
    assert (endpoint.failures, "cannot be reached" in endpoint.last_error) == (1, True)
    assert [check["name"] for check in _warnings(site)].count("webhooks") == 1
    deliver(endpoint, 73 * 3600)
    endpoint.refresh_from_db()
    assert endpoint.enabled is False
    assert AuditEntry.objects.get(action="webhook_stopped").subject == str(endpoint.pk)
    assert not WebhookMessage.objects.exists()
    assert "disabled" in open_page(admin_client, "webhookendpoint_changelist")
    site.post("/events", event(ADA, JEDI))
    assert deliver(endpoint) == 0


def _warnings(site):
    body = site.client.get("/health/system").json()
    return [check for check in body["checks"] if check["status"] != "ok"]


def test_an_endpoint_that_is_gone_is_not_tried_again(endpoint, receiver, site):
    receiver.statuses = [410]
    site.post("/events", event(ADA, NEMO))
    deliver(endpoint)
    endpoint.refresh_from_db()
    assert endpoint.enabled is False


def test_the_end_of_a_night_and_of_an_import_is_told_once(endpoint, receiver):
    now = timezone.now()
    night = Job.objects.create(
        kind="nightly", status="done", finished_at=now, result={"version": "v-1", "better": True}
    )
    Job.objects.create(kind="batch", status="done", finished_at=now)
    file = Job.objects.create(kind="import", status="failed", finished_at=now, result={"stored": 3, "failed": "x"})
    deliver(endpoint, 1)
    deliver(endpoint, 2)

    told = {body["type"]: body["data"] for _, body in receiver.received}
    assert told == {
        "night.ended": {"job_id": str(night.pk), "status": "done", "version": "v-1", "better": True},
        "import.ended": {"job_id": str(file.pk), "status": "failed", "stored": 3},
    }
    assert len(receiver.received) == 2


def test_the_queue_is_bounded_and_says_what_it_dropped(endpoint, receiver, site, settings):
    settings.WEBHOOK_QUEUE = 2
    receiver.statuses = [500]
    site.post("/events", [event(viewer, NEMO) for viewer in (501, 502, 503, 504)])
    tasks.flush_outbox()
    assert WebhookMessage.objects.filter(is_pending=True).count() == 2
    endpoint.refresh_from_db()
    assert endpoint.dropped == 2


def test_an_erased_viewer_is_told_of_no_more(endpoint, receiver, site):
    site.post("/events", [event(ADA, NEMO), event(KEY, NEMO)])
    tasks.flush_outbox()
    site.delete(f"/users/{ADA}/data")
    site.delete(f"/users/{KEY}/data")
    assert deliver(endpoint) == 0
    assert receiver.received == []


def test_no_webhook_goes_to_a_private_address(endpoint, receiver, settings, site):
    settings.WEBHOOKS_TO_PRIVATE = False
    for url in (receiver.url, receiver.url.replace("http:", "https:"), "https://localhost/x", "https://[::1]:9/x"):
        WebhookEndpoint.objects.update(url=url, retry_at=None, failures=0)
        WebhookMessage.objects.all().delete()
        site.post("/events", event(ADA, NEMO, day=hash(url) % 1000))
        deliver(endpoint)
        endpoint.refresh_from_db()
        assert endpoint.failures == 1, url
        assert "PRIVATE" in endpoint.last_error
    assert receiver.received == []
    with pytest.raises(EndpointError, match="private"):
        post("https://localhost/", b"", {})


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("10.1.2.3", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_which_addresses_are_public(address, expected):
    assert is_public(address) is expected


def test_an_endpoint_is_made_in_the_admin_and_its_secret_shown_once(admin_client, receiver, settings, site):
    add = reverse("admin:recommender_webhookendpoint_add")
    fields = {"url": receiver.url, "description": "the app", "events": ["viewer.lists_changed"]}
    assert "Write https" in forms.submit(admin_client, add, fields).content.decode()
    fields["url"] = "https://user:pw@films.example/hook"
    assert "messages are signed" in forms.submit(admin_client, add, fields).content.decode()
    settings.WEBHOOKS_TO_PRIVATE = True
    fields["url"] = receiver.url
    response = forms.submit(admin_client, add, fields, follow=True)
    [message] = [str(text) for text in response.context["messages"] if "secret is" in str(text)]
    receiver.secret = re.search(r"is: (whsec_\S+) ", message)[1]
    endpoint = WebhookEndpoint.objects.get()
    assert receiver.secret not in open_page(admin_client, "webhookendpoint_change", endpoint.pk)
    assert AuditEntry.objects.filter(action="webhook_made", subject=str(endpoint.pk)).exists()

    tasks.flush_outbox()
    WebhookMessage.objects.all().delete()
    site.post("/events", event(ADA, NEMO))
    assert deliver(endpoint) == 1
    change = reverse("admin:recommender_webhookendpoint_change", args=[endpoint.pk])
    forms.submit(admin_client, change, {"enabled": False})
    site.post("/events", event(BEN, JEDI))
    assert deliver(endpoint) == 0
