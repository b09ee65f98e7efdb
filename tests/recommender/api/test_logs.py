"""The log: JSON, one story a request over all processes, and nobody's data."""

import io
import json
import logging

import pytest
from celery.worker.request import Request
from django.conf import settings

from infrastructure.logs import JsonFormatter, PlainFormatter, RedactPathsFilter, request_id
from movierec.celery import app
from recommender import privacy
from recommender.models import Job
from recommender.training import batch
from tests.support.cast import ADA
from tests.support.tiny_model import UNKNOWN_TO_MODEL

ZOE = 1_987_654_321


@pytest.fixture
def lines():
    """What the log has, line by line."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(RedactPathsFilter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(before)


def test_a_request_is_logged_with_its_id_and_without_its_viewer(model, site, lines, monkeypatch):
    site.get(f"/recommend?user_id={ZOE}", headers={"X-Request-ID": "good-1"})
    site.get(f"/recommend?user_id={ZOE}&top_k=x", expect=400, headers={"X-Request-ID": "wrong-1"})
    site.get(f"/users/{ZOE}/nowhere", expect=404)

    def fail(viewer_id):
        Job.objects.create(kind="batch", idempotency_key=str(viewer_id))
        Job.objects.create(kind="batch", idempotency_key=str(viewer_id))

    monkeypatch.setattr(privacy, "export_viewer", fail)
    body = site.get(f"/users/{ZOE}/data", expect=500, headers={"X-Request-ID": "broken-1"})

    assert (body["request_id"], "IntegrityError" in json.dumps(body)) == ("broken-1", False)
    request_lines = [line for line in lines() if line["logger"] == "recommender.api.http.middleware"]
    assert [
        (line.get("request_id"), line["route"], line["status"]) for line in request_lines if "-1" in line["request_id"]
    ] == [
        ("good-1", "recommend", 200),
        ("wrong-1", "recommend", 400),
        ("broken-1", "users/<key:user_id>/data", 500),
    ]
    assert all(len(line["client"]) == 8 and line["ms"] > 0 for line in request_lines if line["status"] != 404)
    [failure] = [line for line in lines() if "exception" in line and line["logger"] == "django.request"]
    assert (failure["request_id"], "IntegrityError" in failure["exception"]) == ("broken-1", True)
    ours = [line for line in lines() if not line["logger"].startswith("django.db")]  # statements: at DEBUG alone
    assert str(ZOE) not in json.dumps(ours)


def worked_off(site, body):
    """A batch, asked for over HTTP and taken from its queue. Returns the job's id."""
    with app.connection_for_write() as broker, broker.SimpleQueue("batch") as queue:
        queue.clear()  # of what earlier tests asked for
    job = site.post("/batch/recommend/cache", body, expect=202, headers={"X-Request-ID": "asked-1"})["job_id"]
    request_id.set("")
    with app.connection_for_read() as broker, broker.SimpleQueue("batch") as queue:
        message = queue.get(timeout=5)
        Request(message, app=app, task=app.tasks["recommender.tasks.batch"], on_ack=lambda *_: message.ack()).execute()
    return job


def test_a_task_is_logged_with_the_request_that_enqueued_it(model, site, lines):
    body = {"user_histories": {str(ADA): ["260"], str(ZOE): [str(UNKNOWN_TO_MODEL)]}}
    job = worked_off(site, body)

    done = Job.objects.get(pk=job)
    assert (done.status, done.result["failed_users"]) == ("done", [ZOE])
    [ended] = [line for line in lines() if "succeeded" in line["message"]]
    assert (ended["request_id"], "'viewers': 1" in ended["message"]) == ("asked-1", True)
    ours = [line for line in lines() if not line["logger"].startswith("django.db")]
    assert str(ZOE) not in json.dumps(ours)


def test_a_failed_job_logs_the_reason_and_no_row_values(model, site, lines, monkeypatch):
    def fail(model, histories, lease):
        Job.objects.create(kind="import", idempotency_key=str(ZOE))
        Job.objects.create(kind="import", idempotency_key=str(ZOE))

    monkeypatch.setattr(batch, "fill_from_histories", fail)
    request_lines = site.get(f"/jobs/{worked_off(site, {'user_histories': {str(ADA): ['260']}})}")

    assert request_lines["status"] == "failed"
    assert request_lines["error"].startswith("IntegrityError: duplicate key value violates unique constraint")
    assert [line["request_id"] for line in lines() if "raised unexpected: IntegrityError" in line["message"]]
    ours = [line for line in lines() if not line["logger"].startswith("django.db")]
    assert str(ZOE) not in json.dumps([request_lines, ours])


def test_for_people_a_line_is_a_line():
    request_id.set("")
    record = logging.LogRecord("films", logging.INFO, "", 0, "said %s", ("DETAIL",), None)
    assert PlainFormatter().format(record).endswith(f"films {record.process} said DETAIL")
    record.msg, record.args = "broken\nDETAIL: Key (viewer_id)=(7)", ()
    token = request_id.set("r-1")
    assert PlainFormatter().format(record).endswith("broken\n [r-1]")
    request_id.reset(token)
    assert settings.LOGGING["formatters"]["line"]["()"] == "infrastructure.logs.PlainFormatter"
