"""The page of an import: staff take it back, and are told before what goes."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from catalog.models import Viewer
from recommender import tasks
from recommender.models import AuditEntry, ImportPart, Job
from tests.support.admin import open_page, submit_dialog
from tests.support.cast import ADA, NEMO
from tests.support.imports import json_lines, post_rows, run_import

pytestmark = pytest.mark.usefixtures("transactional_db", "cast")


def watches(*viewers):
    rows = ({"user_id": one, "movie_id": str(NEMO), "kind": "watch", "occurred_at": 1_700_000_000} for one in viewers)
    return json_lines(*rows)


def test_an_import_is_taken_back(site, editor):
    job = run_import(site, post_rows(site, "events", watches(ADA, *range(5001, 6501))))["job_id"]
    assert "Take back" in open_page(editor, "job_change", job)
    asked = open_page(editor, "job_take_back", job)
    assert "1,501 events" in asked
    assert "1,500 viewers" in asked
    assert not Job.objects.filter(kind="import_undo").exists(), "a look takes nothing back"

    assert "being taken back" in submit_dialog(editor, "job_take_back", job)
    undo = Job.objects.get(kind="import_undo")
    assert undo.started_by == "editor (admin)" or "editor" in undo.started_by
    assert "already" in open_page(editor, "job_take_back", job)
    tasks.run_import_undo(str(undo.pk))
    assert not Viewer.objects.filter(pk__gt=5000).exists()
    page = open_page(editor, "job_change", undo.pk)
    assert "1,501 events" in page
    assert "Take back" not in page
    assert "nothing of it is left" in open_page(editor, "job_take_back", job)
    assert "taken back before" in submit_dialog(editor, "job_take_back", job)
    assert AuditEntry.objects.get(action="import_taken_back").subject == job


def test_what_was_left_is_named_and_tried_again(site, editor):
    job = run_import(site, post_rows(site, "viewers", json_lines({"user_id": 5001}, {"user_id": 5002})))["job_id"]
    site.patch("/users/5002", {"country": "DE"})
    submit_dialog(editor, "job_take_back", job)
    tasks.run_import_undo(str(Job.objects.get(kind="import_undo").pk))
    asked = open_page(editor, "job_take_back", job)
    assert "was left, and is tried again" in asked
    assert "<li>1 viewer</li>" in asked
    assert "being taken back" in submit_dialog(editor, "job_take_back", job)


def test_one_that_has_not_ended_is_cancelled_first(site, editor):
    job = post_rows(site, "events", watches(ADA))["job_id"]
    asked = open_page(editor, "job_take_back", job)
    assert "cancelled first" in asked
    assert "made nothing yet" in asked
    submit_dialog(editor, "job_take_back", job)
    assert Job.objects.get(pk=job).status == "cancelled"


def test_what_cannot_be_taken_back_says_why(site, editor):
    job = run_import(site, post_rows(site, "events", watches(ADA)))["job_id"]
    ImportPart.objects.update(event_ranges=None)  # as an earlier version left it
    assert "restore a backup" in open_page(editor, "job_take_back", job)
    assert "restore a backup" in submit_dialog(editor, "job_take_back", job)
    batch = Job.objects.create(kind=Job.Kind.BATCH)
    assert "Take back" not in open_page(editor, "job_change", batch.pk)
    for unknown, status in ((batch.pk, 403), ("no-uuid", 404), ("6d0e6b3c-2f5b-4b3b-9d2a-3b1f6a1f0c11", 404)):
        assert editor.get(reverse("admin:recommender_job_take_back", args=[unknown])).status_code == status
    assert not Job.objects.filter(kind="import_undo").exists()


def test_an_analyst_takes_nothing_back(site):
    job = run_import(site, post_rows(site, "events", watches(ADA)))["job_id"]
    analyst = User.objects.create_user("looks", is_staff=True)
    analyst.groups.add(Group.objects.get(name="analyst"))
    client = Client()
    client.force_login(analyst)
    assert "Take back" not in open_page(client, "job_change", job)
    path = reverse("admin:recommender_job_take_back", args=[job])
    assert client.post(path, {"_form_submitted": True}).status_code == 403
