"""The pages of jobs: progress, starting and cancelling."""

import uuid

import pytest
from django.urls import reverse

from recommender.admin.jobs import MAX_PARAMETERS_LENGTH
from recommender.models import Job
from tests.support.admin import open_page, submit_dialog

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_job_shows_its_progress_and_can_be_cancelled(admin_client):
    job = Job.objects.create(
        kind=Job.Kind.BATCH, status="running", done=1200, total=4000, phase="lists", log_tail="a line of the log"
    )
    page = open_page(admin_client, "job_change", job.pk)
    assert "1,200 of 4,000" in page
    assert "a line of the log" in page

    assert "Cancelled" in submit_dialog(admin_client, "job_cancel", job.pk)
    job.refresh_from_db()
    assert job.status == "cancelled"
    assert "ended already" in submit_dialog(admin_client, "job_cancel", job.pk)


def test_a_job_of_thousands_of_histories_shows_the_beginning_of_its_parameters(admin_client):
    histories = {str(viewer): ["1", "2", "3"] for viewer in range(1, 2_000)}
    job = Job.objects.create(kind=Job.Kind.BATCH, parameters={"top_k": 10, "user_histories": histories})
    small = Job.objects.create(kind=Job.Kind.BATCH, parameters={"top_k": 10})
    page = open_page(admin_client, "job_change", job.pk)
    assert "top_k" in page
    assert len(page) < len(open_page(admin_client, "job_change", small.pk)) + 3 * MAX_PARAMETERS_LENGTH
    assert "1999" not in page


def test_a_job_is_started_once(admin_client):
    assert "Started" in submit_dialog(admin_client, "job_start_nightly")
    assert "waiting or running" in submit_dialog(admin_client, "job_start_nightly")
    assert Job.objects.get().status == "queued"
    assert "Started" in submit_dialog(admin_client, "job_start_batch")


def test_a_get_starts_nothing(admin_client):
    open_page(admin_client, "job_start_nightly")
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("job_cancel", "no-uuid"),
        ("job_cancel", uuid.UUID(int=1)),
        ("modelversion_promote", 999),
        ("modelversion_promote", "no-number"),
        ("apikey_rotate", "no-key"),
    ],
)
def test_an_action_on_a_record_that_does_not_exist_is_not_found(admin_client, name, record):
    path = reverse(f"admin:recommender_{name}", args=[record])
    assert admin_client.post(path, {"_form_submitted": True, "reason": "a hunch"}).status_code == 404
