"""Budgets: counted over all processes, and never the reason that the API is down."""

import re

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from recommender.api.throttles import Budget
from recommender.models import ApiKey
from tests.cast import ADA, NEMO

pytestmark = pytest.mark.usefixtures("model")
READ = f"/recommend?user_id={ADA}&top_k=1"


@pytest.fixture
def rates(monkeypatch):
    values = {"reads": "3/min", "events": "2/hour", "batch": "1/day"}
    monkeypatch.setattr(Budget, "THROTTLE_RATES", values)
    return values


def test_past_the_budget_one_waits(rates, api):
    for left in (2, 1, 0):
        api.get(READ)
        assert api.response.headers["RateLimit-Policy"] == '"reads";q=3;w=60'
        assert re.fullmatch(rf'"reads";r={left};t=([1-9]|[1-5]\d|60)', api.response.headers["RateLimit"])

    body = api.get(READ, expect=429)

    assert body["code"] == "throttled"
    assert 1 <= int(api.response.headers["Retry-After"]) <= 60
    assert api.response.headers["RateLimit"].startswith('"reads";r=0;t=')


def test_each_key_and_each_class_has_its_own(rates, site, client_with):
    for _ in range(3):
        site.get(READ)
    site.get(READ, expect=429)

    client_with(ApiKey.Scope.READ).get(READ)
    for _ in range(2):
        site.post("/events", {"user_id": ADA, "movie_id": str(NEMO), "kind": "watch"})
    site.post("/events", {}, expect=429)
    site.post("/batch/recommend", {"user_histories": {}})
    site.post("/batch/recommend/cache", {}, expect=429)


def test_health_is_never_throttled(rates, api):
    for _ in range(5):
        api.get("/health/live")
        assert "RateLimit" not in api.response.headers
        api.get("/health/ready")


def test_without_redis_nobody_is_turned_away(rates, api, monkeypatch):
    def gone(*args, **kwargs):
        raise RedisConnectionError("gone")

    monkeypatch.setattr(Budget.cache, "incr", gone, raising=False)
    monkeypatch.setattr(Budget, "blind_until", 0.0)

    for _ in range(5):
        api.get(READ)
    assert Budget.blind_until > 0
