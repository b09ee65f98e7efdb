"""Calls without a key: cheap, counted, and logged once a burst."""

import io
import json
import logging
import threading

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from infrastructure.logs import BURST, JsonFormatter, RateLimitedHandler
from recommender import process_state
from recommender.models import ApiKey
from tests.support.api import ApiClient
from tests.support.cast import ADA

BUDGET = 4
READ = f"/recommend?user_id={ADA}&top_k=1"


@pytest.fixture(autouse=True)
def budget(settings):
    rates = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] | {"refused": f"{BUDGET}/min", "logins": "2/min"}
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": rates}
    process_state.clear()
    yield
    process_state.clear()


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
@pytest.mark.parametrize("host", ["10.42.8.9:8000", "pod-7.internal", "[fd00::7]:8000", "a_b"])
def test_health_answers_by_any_host_name(model, path, host, settings):
    settings.SECURE_SSL_REDIRECT = True
    ApiClient().get(path, headers={"Host": host})


def test_another_name_is_refused_and_the_setting_is_named(client_with, settings):
    keyed = client_with(ApiKey.Scope.READ)
    body = keyed.get("/popular", expect=400, headers={"Host": "10.42.8.9:8000"})
    assert (body["code"], "MOVIEREC_ALLOWED_HOSTS" in body["detail"]) == ("host_not_allowed", True)
    for path in ("/admin/", "/static/nowhere.js", "/healthy"):
        assert Client().get(path, headers={"Host": "10.42.8.9:8000"}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "headers", "refused"),
    [
        ("get", "/popular", {}, 401),
        ("get", "/popular", {"Authorization": "Bearer something"}, 401),
        ("post", "/events", {}, 401),
        ("get", "/nowhere", {}, 404),
        ("post", "/health/live", {}, 405),
        ("get", "/popular", {"Host": "evil.example"}, 400),
        ("get", "/admin/", {}, 302),
    ],
)
def test_a_caller_who_is_refused_often_is_refused_early(model, client_with, method, path, headers, refused):
    keyed = client_with(ApiKey.Scope.READ)
    stranger = Client(headers=headers)
    for _ in range(BUDGET):
        assert getattr(stranger, method)(path).status_code == refused
    early = getattr(stranger, method)(path)

    assert (early.status_code, early.json()["code"]) == (429, "throttled")
    assert 1 <= int(early.headers["Retry-After"]) <= 60
    keyed.get(READ)  # from the same address
    for open_path in ("/health/live", "/schema", "/docs"):
        assert Client().get(open_path).status_code == 200


def test_early_is_before_any_work(db, django_assert_num_queries, monkeypatch):
    for _ in range(BUDGET):
        Client().get("/popular")

    def fail(*args, **kwargs):
        raise AssertionError("a view was reached, or Redis")

    monkeypatch.setattr("recommender.api.charts.PopularView.dispatch", fail)
    monkeypatch.setattr("recommender.api.access.throttles.count_call", fail)
    with django_assert_num_queries(0):
        assert Client().get("/popular").status_code == 429


def test_logins_are_counted_whatever_the_name(db):
    for name in ("ann", "bob"):
        Client().post("/admin/login/", {"username": name, "password": "x"})
    assert Client().post("/admin/login/", {"username": "cleo", "password": "x"}).status_code == 429


def test_the_schema_is_rendered_once_and_holds_nothing_of_its_caller(monkeypatch):
    calls = []
    own = SchemaGenerator.get_schema
    monkeypatch.setattr(SchemaGenerator, "get_schema", lambda *a, **k: calls.append(1) or own(*a, **k))
    first = Client().get("/schema?format=json&version=evil")
    compressed = Client().get("/schema?format=json", headers={"Accept-Encoding": "gzip"})
    unchanged = Client().get("/schema?format=json", headers={"If-None-Match": first.headers["ETag"]})
    docs = Client().get("/docs?version=evil&lang=evil")

    assert (len(calls), first.status_code, unchanged.status_code) == (1, 200, 304)
    assert b"evil" not in first.content + docs.content
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert len(compressed.content) < len(first.content) / 4
    assert Client().get("/schema").content != first.content  # YAML
    assert Client().get("/docs").content == docs.content


@pytest.fixture
def web_log():
    """The handler of a web process's log, and a function that reads what it wrote."""
    out, handler, root = io.StringIO(), RateLimitedHandler(), logging.getLogger()
    handler.setStream(out)
    handler.setFormatter(JsonFormatter())
    former_handlers, root.handlers, level = root.handlers, [handler], root.level
    root.setLevel(logging.INFO)
    yield handler, lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.handlers = former_handlers
    root.setLevel(level)


def test_a_burst_is_a_few_lines_and_a_number(db, web_log, monkeypatch):
    monkeypatch.setattr("infrastructure.logs.BURST_SECONDS", 600.0)  # all calls are one burst, however slow the machine
    handler, lines = web_log
    for _ in range(50):
        Client().get("/nowhere/at/all")
    written = len(lines())
    handler.flush_counts()
    summaries = [line["message"] for line in lines()[-2:] if "more lines" in line["message"]]

    assert written <= 2 * BURST  # the refusal has another status when it comes early
    assert {line["logger"] for line in lines()} == {"recommender.api.http.middleware"}  # one line a request
    assert sum(int(summary.partition("(and ")[2].split()[0]) for summary in summaries) + written == 50


def test_counts_are_written_without_another_line(web_log, monkeypatch):
    _, lines = web_log
    monkeypatch.setattr("infrastructure.logs.BURST_SECONDS", 0.1)
    for _ in range(BURST + 3):
        logging.getLogger("gunicorn.error").warning("Invalid request")
    waited = threading.Event()
    for _ in range(100):
        if "3 more lines" in lines()[-1]["message"]:
            break
        waited.wait(0.05)
    assert "3 more lines" in lines()[-1]["message"]
