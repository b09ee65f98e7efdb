"""GET /health/live and /health/ready."""

import pytest
from django.db import connection

from infrastructure.connectivity import POSTGRES
from recommender import process_state, registry, training_data
from recommender.models import ModelVersion
from tests.support.api import ApiClient
from tests.support.tiny_model import TINY_MODEL, clear_caches


def test_live_touches_nothing(transactional_db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert ApiClient().get("/health/live") == {"status": "live"}


def test_ready_with_a_model(model):
    body = ApiClient().get("/health/ready")

    assert body == {
        "status": "ready",
        "parts": {"database": "ok", "cache": "ok", "model": "ok"},
        "model_version": TINY_MODEL,
        "warnings": [],
    }


def test_a_web_process_that_is_ready_asks_nothing_of_postgres(model, monkeypatch, django_assert_num_queries):
    """A balancer asks each second, of a process whose connections may all be in use."""
    ApiClient().get("/health/ready")
    monkeypatch.setattr(POSTGRES, "is_running", True)
    with django_assert_num_queries(0):
        assert ApiClient().get("/health/ready")["parts"]["database"] == "ok"
    monkeypatch.setattr(POSTGRES, "is_down", True)
    body = ApiClient().get("/health/ready")
    assert (body["status"], body["parts"]["database"][:11]) == ("ready", "unreachable")


def test_ready_without_a_model_and_says_what_it_waits_for(model):
    ModelVersion.objects.update(status=ModelVersion.Status.CANDIDATE)
    clear_caches()

    body = ApiClient().get("/health/ready")

    assert (body["status"], body["model_version"]) == ("ready", None)
    assert body["parts"]["model"].startswith(f"no model yet, {training_data.missing_events()} more events")


def test_not_ready_while_the_models_folder_is_unusable(model):
    process_state.clear()
    manifest = registry.folder(TINY_MODEL) / "manifest.json"
    stored = manifest.read_text()
    manifest.write_text("{}")
    try:
        body = ApiClient().get("/health/ready", expect=503)
    finally:
        manifest.write_text(stored)
        process_state.clear()

    assert body["parts"]["model"] == f"{TINY_MODEL} cannot be loaded"


@pytest.mark.django_db(transaction=True)
def test_not_ready_without_postgres(model, settings):
    name, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], "no_such_database"
    connection.close()
    try:
        body = ApiClient().get("/health/ready", expect=503)
        settings.API_OPEN = True
        api = ApiClient()
        problem = api.get("/recommend?user_id=101", expect=503)
    finally:
        connection.settings_dict["NAME"] = name
        connection.close()

    assert "unreachable" in body["parts"]["database"]
    assert (problem["code"], api.response.headers["Retry-After"]) == ("database_unreachable", "5")
