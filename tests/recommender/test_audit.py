"""The audit trail has who did what, by API, admin and command, and nothing of a viewer."""

import json

import pytest
from django.core.management import call_command
from django.urls import reverse

from catalog.models import Viewer
from recommender import tasks
from recommender.jobs import queue
from recommender.models import ApiKey, AuditEntry, Job
from tests.support import forms
from tests.support.cast import ADA, BEN, EVE

pytestmark = pytest.mark.django_db(transaction=True)


def latest():
    entry = AuditEntry.objects.first()
    return entry.action, entry.actor


def dialog(client, name, *args, **fields):
    return forms.submit(client, reverse(f"admin:{name}", args=args), fields, button=None)


def test_an_erasure_records_who_did_it_and_not_of_whom(model, admin_client, client):
    _, key = ApiKey.objects.create_key(name="site", scopes=["users:erase"])
    prefix = key.partition(".")[0]
    dialog(admin_client, "catalog_viewer_erase", ADA)
    assert latest() == ("viewer_erased", "admin, in the admin")
    assert AuditEntry.objects.first().details == "12 events, 0 impressions"

    answer = client.delete(f"/users/{BEN}/data", headers={"Authorization": f"Api-Key {key}"})
    assert answer.status_code == 200
    assert latest() == ("viewer_erased", f"API key {prefix}")
    assert AuditEntry.objects.first().request_id == answer.headers["X-Request-ID"]

    Viewer.objects.create(pk=987_654, is_session=True)
    sent = {"from_user_id": 987_654, "into_user_id": EVE}
    ApiKey.objects.update(scopes=["events:write"])
    _, writer = ApiKey.objects.create_key(name="events", scopes=["events:write"])
    header = {"Authorization": f"Api-Key {writer}"}
    assert client.post("/users/merge", json.dumps(sent), "application/json", headers=header).status_code == 200
    assert latest()[0] == "viewers_merged"
    values = [value for row in AuditEntry.objects.values_list("subject", "details") for value in row]
    assert not any("987654" in value or "987_654" in value for value in values)


def test_a_job_records_who_started_and_who_cancelled_it(admin_client, monkeypatch):
    dialog(admin_client, "recommender_job_start_nightly")
    job = Job.objects.get()
    assert job.started_by == "admin, in the admin"
    dialog(admin_client, "recommender_job_cancel", job.pk)
    job.refresh_from_db()
    assert job.cancelled_by == "admin, in the admin"
    assert latest() == ("job_cancelled", "admin, in the admin")
    page = admin_client.get(reverse("admin:recommender_job_change", args=[job.pk])).content.decode()
    assert page.count("admin, in the admin") == 2

    call_command("nightly", enqueue=True)
    assert Job.objects.first().started_by.endswith(", at the command line")
    queue.cancel(Job.objects.first().pk)
    assert Job.objects.first().cancelled_by.endswith(", at the command line")
    Job.objects.update(created_at="2024-01-01T00:00Z")
    tasks.enqueue_nightly.apply()
    assert Job.objects.first().started_by == "the system"


def test_a_batch_records_the_client_that_started_it(model, client):
    _, key = ApiKey.objects.create_key(name="site", scopes=["batch:write"])
    answer = client.post(
        "/batch/recommend/cache", "{}", "application/json", headers={"Authorization": f"Api-Key {key}"}
    )
    assert answer.status_code == 202
    assert Job.objects.get().started_by == f"API key {key.partition('.')[0]}"


def test_changes_of_keys_are_recorded(admin_client):
    call_command("api_key", "create", "site", scopes=["recommend:read"])
    key = ApiKey.objects.get()
    command = latest()[1]
    assert (latest()[0], command.endswith(", at the command line")) == ("key_made", True)
    dialog(admin_client, "recommender_apikey_rotate", key.pk.replace("$", "_24"))
    assert latest() == ("key_rotated", "admin, in the admin")
    path = reverse("admin:recommender_apikey_change", args=[key.pk.replace("$", "_24")])
    forms.submit(admin_client, path, {"name": "the site"})
    assert latest() == ("key_changed", "admin, in the admin")
    forms.submit(admin_client, path, {"revoked": True})
    assert latest() == ("key_revoked", "admin, in the admin")
    assert AuditEntry.objects.first().subject == key.prefix
    forms.submit(admin_client, reverse("admin:recommender_apikey_add"), {"name": "app", "scopes": ["recommend:read"]})
    assert latest() == ("key_made", "admin, in the admin")
    call_command("api_key", "revoke", ApiKey.objects.get(name="app").prefix)
    assert latest() == ("key_revoked", command)


def test_an_activation_is_recorded_and_old_entries_are_pruned(model, admin_client, settings):
    assert AuditEntry.objects.get(action="model_activated").subject == model.name
    dialog(admin_client, "recommender_modelversion_promote", model.pk, reason="a hunch")
    assert latest() == ("model_activated", "admin, in the admin")
    listed = admin_client.get(reverse("admin:recommender_auditentry_changelist"), {"q": model.name}).content.decode()
    assert "a hunch (admin, in the admin)" in listed
    AuditEntry.objects.filter(details__startswith="a hunch").update(at="2020-01-01T00:00Z")
    assert tasks.prune.apply().get()["audit_entries"] == 1
    assert AuditEntry.objects.count() == 1
