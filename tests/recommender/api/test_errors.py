"""Every error is problem+json, with a request id."""

import json

import psycopg
import pytest
from django.db import connection
from django.test import Client

from recommender.monitoring import readiness
from tests.support.cast import ADA, MATRIX


def problem(api, status, code):
    body = json.loads(api.response.content)
    assert api.response.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance", "request_id", "code"} <= set(body)
    assert (body["status"], body["code"], body["request_id"]) == (status, code, api.response.headers["X-Request-ID"])
    return body


@pytest.mark.parametrize("path", ["/nowhere", "/recommend/", "/recommend/filtered/x", "/movies/x/y", "/jobs/"])
def test_no_such_address(api, path):
    api.get(path, expect=404)

    assert problem(api, 404, "not_found")["instance"] == path


def test_no_such_method(api):
    api.get("/similar", expect=405)

    problem(api, 405, "method_not_allowed")
    assert "POST" in api.response.headers["Allow"]


def test_no_such_media_type(api):
    api.post("/recommend", b"user_id=1", expect=415, content_type="application/x-www-form-urlencoded")

    problem(api, 415, "unsupported_media_type")


def test_no_such_answer(api):
    api.get(f"/recommend?user_id={ADA}", expect=406, headers={"Accept": "text/html"})

    problem(api, 406, "not_acceptable")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"user_id": NaN}',
        b'{"user_id": 1, "history": ["\\ud800"]}',
        b"[" * 100_000,
        b'{"user_id": ' + b"1" * 5000 + b"}",
        b"nul\x00l",
    ],
)
def test_no_json(api, body):
    api.post("/recommend", body, expect=400)

    problem(api, 400, "parse_error" if body else "invalid")


@pytest.mark.parametrize("body", [[], "text", 7, None, True])
def test_json_that_is_no_object(api, body):
    for path in ("/recommend", "/recommend/filtered", "/similar", "/batch/recommend"):
        api.post(path, body, expect=400)
        assert problem(api, 400, "invalid")["errors"][0]["pointer"] == "#"


def test_a_chunked_body_needs_a_length(api):
    api.post("/recommend", {"user_id": ADA}, expect=411, headers={"Transfer-Encoding": "chunked"})

    problem(api, 411, "length_required")


def test_a_foreign_host_is_refused(api):
    api.get("/popular", expect=400, headers={"Host": "evil.example"})

    assert "MOVIEREC_ALLOWED_HOSTS" in problem(api, 400, "host_not_allowed")["detail"]


def test_an_unexpected_failure_tells_only_its_request_id(api, monkeypatch):
    def fail():
        raise RuntimeError("the secret plan")

    monkeypatch.setattr(readiness, "check_readiness", fail)
    api.get("/health/ready", expect=500)

    body = problem(api, 500, "error")
    assert "secret" not in json.dumps(body)


def test_a_harmless_request_id_is_adopted(api):
    api.get("/health/live", headers={"X-Request-ID": "abc-1.2_3"})
    assert api.response.headers["X-Request-ID"] == "abc-1.2_3"

    api.get("/health/live", headers={"X-Request-ID": "a b\r\nx"})
    assert len(api.response.headers["X-Request-ID"]) == 32


def test_a_pointer_is_escaped(api):
    body = api.post("/batch/recommend", {"user_histories": {"a/b~c": 7}}, expect=400)

    assert body["errors"][0]["pointer"] == "#/user_histories/a~1b~0c"


def test_no_cache_stores_answers(model, api):
    api.post("/recommend", {"user_id": ADA})
    assert api.response.headers["Cache-Control"] == "private, no-store"
    api.get("/health/live")
    assert api.response.headers["Cache-Control"] == "private, no-store"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("cast")
def test_a_call_that_others_are_in_the_way_of_is_told_so_and_stores_nothing(site):
    """The database answers: it is not called unreachable."""
    event = {"user_id": ADA, "movie_id": str(MATRIX), "kind": "like", "event_id": "of-a-busy-second"}
    parameters = connection.get_connection_params()
    connection.ensure_connection()
    with psycopg.connect(
        **{name: parameters[name] for name in ("host", "port", "user", "dbname") if name in parameters}
    ) as other:
        other.execute("SELECT 1 FROM catalog_viewer WHERE id = %s FOR UPDATE", [ADA])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        site.post("/events", event, expect=503)
        assert site.response.headers["Retry-After"] == "1"
        assert "send the same request again" in problem(site, 503, "database_busy")["detail"]
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")
    assert site.post("/events", event)["results"][0]["status"] == "stored"


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_an_address_of_no_operation_is_a_problem_whatever_the_method(method):
    """From a client of the API, which has no form's token."""
    client = Client(enforce_csrf_checks=True, headers={"Accept": "*/*"})
    answer = getattr(client, method)("/jobs/no-uuid/import")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["since=0002-01-02&until=0001-01-02", "until=0001-01-02", "until=9999-12-31"])
def test_days_at_the_ends_of_time_are_no_failure(site, query):
    site.client.get(f"/insights?{query}")
    assert site.client.get(f"/insights?{query}").status_code in (200, 400)
