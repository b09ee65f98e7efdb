"""A viewer's token reads one viewer's lists, for a while, and opens nothing else."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import caches
from django.utils import timezone

from recommender import process_state
from recommender.api.access.throttles import RateThrottle
from recommender.models import ApiKey
from tests.support.api import ApiClient, app_client
from tests.support.cast import ADA, BEN, NEMO

pytestmark = pytest.mark.usefixtures("model")
OWN = [
    ("get", f"/recommend?user_id={ADA}"),
    ("get", f"/home?user_id={ADA}"),
    ("get", f"/trending?user_id={ADA}"),
    ("get", "/popular"),
    ("get", "/movies?page_size=5"),
    ("post", "/recommend", {"user_id": ADA}),
    ("post", "/recommend", {"history": ["1"]}),
    ("post", "/recommend/filtered", {"user_id": ADA, "genres": ["Comedy"]}),
    ("post", "/similar", {"movie_id": "1", "user_id": ADA}),
]
NOT_OWN: list[tuple[Any, ...]] = [
    ("get", f"/recommend?user_id={BEN}"),
    ("get", f"/recommend?user_id={ADA}&user_id={BEN}"),
    ("get", f"/recommend?user_id={BEN}&user_id={ADA}"),
    ("get", f"/recommend?user_id={BEN}.0"),
    ("get", f"/home?user_id={BEN}"),
    ("get", f"/popular?user_id={BEN}"),
    ("get", "/jobs/6d0e6b3c-2f5b-4b3b-9d2a-3b1f6a1f0c11"),
    ("post", "/recommend", {"user_id": BEN}),
    ("post", "/recommend", {"user_id": float(BEN)}),
    ("post", "/recommend", {"user_ids": [ADA, BEN]}),
    ("post", "/recommend/filtered", {"user_ids": [ADA, BEN]}),
    ("post", "/similar", {"movie_id": "1", "user_id": BEN}),
    ("post", "/batch/recommend", {"user_histories": {str(ADA): []}}),
    ("post", "/batch/recommend/cache", {}),
    ("post", "/events", {"user_id": ADA, "movie_id": str(NEMO), "kind": "watch"}),
    ("post", "/viewer-tokens", {"user_id": BEN}),
]


UNLIKE_A_DIGEST = 1_938_475_620  # a viewer's id that no hashed key holds by chance


@pytest.fixture
def app(client_with):
    return app_client(ADA, client_with)


def test_it_opens_its_own_viewers_reads_and_nothing_else(app):
    for method, path, *body in OWN:
        getattr(app, method)(path, *body)
    for method, path, *body in NOT_OWN:
        assert getattr(app, method)(path, *body, expect=403)["code"] == "permission_denied", path


def test_it_ends_with_its_time_and_with_its_key(app):
    with time_machine.travel(timezone.now() + timedelta(seconds=299)):
        app.get(f"/recommend?user_id={ADA}")
    with time_machine.travel(timezone.now() + timedelta(seconds=302)):
        assert app.get(f"/recommend?user_id={ADA}", expect=401)["code"] == "authentication_failed"

    ApiKey.objects.update(revoked=True)
    process_state.clear()
    app.get(f"/recommend?user_id={ADA}", expect=401)


def test_it_cannot_be_made_up(app, client_with, settings):
    token = app.client.defaults["HTTP_AUTHORIZATION"]
    for invalid in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        "Viewer-Token x",
        "Viewer-Token ",
        "Viewer-Token a:b",
    ):
        ApiClient(Authorization=invalid).get(f"/recommend?user_id={ADA}", expect=401)
    client_with(ApiKey.Scope.EVENTS).post("/viewer-tokens", {"user_id": ADA}, expect=403)
    settings.API_OPEN = True
    ApiClient().post("/viewer-tokens", {"user_id": ADA}, expect=401)  # a read that is open makes no token
    body = client_with(ApiKey.Scope.READ).post("/viewer-tokens", {"user_id": ADA, "seconds": 3601}, expect=400)
    assert body["errors"] == [{"pointer": "#/seconds", "detail": "Ensure this value is less than or equal to 3600."}]


def test_it_has_a_budget_of_its_own_without_the_viewer_id_in_redis(client_with, monkeypatch):
    app = app_client(UNLIKE_A_DIGEST, client_with)
    rates = {"reads": "9/min", "viewer": "1/day", "events": "1/min"}
    monkeypatch.setattr(RateThrottle, "THROTTLE_RATES", RateThrottle.THROTTLE_RATES | rates)
    app.get(f"/recommend?user_id={UNLIKE_A_DIGEST}")
    assert app.get(f"/recommend?user_id={UNLIKE_A_DIGEST}", expect=429)["code"] == "throttled"

    keys = [key.decode() for key in caches["lists"].client.get_client().keys("*rate:*")]
    assert any(":viewer:" in key for key in keys)
    assert not any(str(UNLIKE_A_DIGEST) in key for key in keys)
