"""The log: JSON, one story a request over all processes, and nobody's data."""

import io
import json
import logging
from urllib.parse import quote

import pytest
from celery.worker.request import Request
from django.conf import settings
from django.db import connection

from infrastructure.logs import JsonFormatter, PlainFormatter, RedactPathsFilter, redact_exception, request_id
from movierec.celery import app
from recommender import privacy
from recommender.models import Job
from recommender.training import batch
from tests.support.cast import ADA
from tests.support.tiny_model import UNKNOWN_TO_MODEL
from tests.support.viewer_traces import is_written_in

ZOES = [1_987_654_321, "zoë.o'unlikely+1@example.org", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"]


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


def nobody_of(lines, viewer):
    """Fail where a line of ours has the viewer, in any form."""
    ours = [line for line in lines() if not line["logger"].startswith("django.db")]  # statements: at DEBUG alone
    assert ours
    for line in ours:
        assert not any(is_written_in(str(value), viewer) for value in line.values()), line


@pytest.mark.parametrize("zoe", ZOES)
def test_a_request_is_logged_with_its_id_and_without_its_viewer(model, site, lines, monkeypatch, zoe):
    named = quote(str(zoe), safe="")
    site.get(f"/recommend?user_id={named}", headers={"X-Request-ID": "good-1"})
    site.get(f"/recommend?user_id={named}&top_k=x", expect=400, headers={"X-Request-ID": "wrong-1"})
    site.get(f"/users/{named}/nowhere", expect=404)

    def fail(viewer_id):
        Job.objects.create(kind="batch", idempotency_key=str(viewer_id))
        Job.objects.create(kind="batch", idempotency_key=str(viewer_id))

    monkeypatch.setattr(privacy, "export_viewer", fail)
    body = site.get(f"/users/{named}/data", expect=500, headers={"X-Request-ID": "broken-1"})

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
    nobody_of(lines, zoe)


@pytest.mark.parametrize("zoe", ZOES[1:])
@pytest.mark.parametrize(
    "stumble",
    [
        lambda key: {}[key],
        lambda key: int(key),
        lambda key: [].remove(key),
        lambda key: getattr(ZOES, key),
        lambda key: connection.cursor().execute("SELECT %s::int", [key]),
        lambda key: connection.cursor().execute("SELECT %s::jsonb", [json.dumps(key)[:-1]]),
    ],
)
def test_a_fault_is_logged_without_the_value_it_stumbled_over(model, site, lines, monkeypatch, zoe, stumble):
    monkeypatch.setattr(privacy, "export_viewer", stumble)
    site.get(f"/users/{quote(zoe, safe='')}/data", expect=500)

    [failure] = [line["exception"] for line in lines() if "exception" in line and line["logger"] == "django.request"]
    assert "Error" in failure
    assert 'test_logs.py", line' in failure
    nobody_of(lines, zoe)


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


@pytest.mark.parametrize("zoe", ZOES)
def test_a_task_is_logged_with_the_request_that_enqueued_it(model, site, lines, zoe):
    body = {"user_histories": {str(ADA): ["260"], str(zoe): [str(UNKNOWN_TO_MODEL)]}}
    job = worked_off(site, body)

    assert (Job.objects.get(pk=job).status, site.get(f"/jobs/{job}")["result"]["failed_users"]) == ("done", [zoe])
    [ended] = [line for line in lines() if "succeeded" in line["message"]]
    assert (ended["request_id"], "'viewers': 1" in ended["message"]) == ("asked-1", True)
    nobody_of(lines, zoe)


@pytest.mark.parametrize("zoe", ZOES)
def test_a_failed_job_logs_the_reason_and_no_row_values(model, site, lines, monkeypatch, zoe):
    def fail(model, histories, lease):
        Job.objects.create(kind="import", idempotency_key=str(zoe))
        Job.objects.create(kind="import", idempotency_key=str(zoe))

    monkeypatch.setattr(batch, "fill_from_histories", fail)
    request_lines = site.get(f"/jobs/{worked_off(site, {'user_histories': {str(ADA): ['260']}})}")

    assert request_lines["status"] == "failed"
    assert request_lines["error"].startswith("IntegrityError: duplicate key value violates unique constraint")
    assert [line["request_id"] for line in lines() if "raised unexpected: IntegrityError" in line["message"]]
    assert not is_written_in(json.dumps(request_lines, ensure_ascii=False), zoe)
    nobody_of(lines, zoe)


@pytest.mark.parametrize("zoe", ZOES[1:])
def test_a_job_that_fails_keeps_no_value_it_stumbled_over(model, site, lines, monkeypatch, zoe):
    def fail(model, histories, lease):
        raise KeyError(zoe)

    monkeypatch.setattr(batch, "fill_from_histories", fail)
    failed = Job.objects.get(pk=worked_off(site, {"user_histories": {str(ADA): ["260"]}}))

    assert (failed.status, failed.error) == ("failed", "KeyError: '...'")
    nobody_of(lines, zoe)


def test_what_an_operator_needs_stands_in_an_exception():
    for text in (
        "FileNotFoundError: [Errno 2] No such file or directory: '/srv/models/x-1/weights.pt'",
        'psycopg.OperationalError: connection to server at "127.0.0.1", port 5432 failed: Connection refused',
        'psycopg.errors.UniqueViolation: duplicate key value violates unique constraint "watch_event_once"',
        "AttributeError: 'NoneType' object has no attribute 'pk'",
        "the model's folder is not the viewer's",
    ):
        assert redact_exception(text) == text


def test_for_people_a_line_is_a_line():
    request_id.set("")
    record = logging.LogRecord("films", logging.INFO, "", 0, "said %s", ("DETAIL",), None)
    assert PlainFormatter().format(record).endswith(f"films {record.process} said DETAIL")
    record.msg, record.args = "broken\nDETAIL: Key (viewer_id)=(7)", ()
    token = request_id.set("r-1")
    assert PlainFormatter().format(record).endswith("broken\n [r-1]")
    request_id.reset(token)
    assert settings.LOGGING["formatters"]["line"]["()"] == "infrastructure.logs.PlainFormatter"
