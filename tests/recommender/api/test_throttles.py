"""Budgets: counted over all processes, and never the reason that the API is down."""

import re
import threading

import pytest
from redis.connection import AbstractConnection

from recommender import process_state
from recommender.api.access import authentication
from recommender.api.access.throttles import RateThrottle
from recommender.cache.connection import redis_connection
from recommender.models import ApiKey
from tests.support.api import ApiClient
from tests.support.cast import ADA, NEMO

pytestmark = pytest.mark.usefixtures("model")
READ = f"/recommend?user_id={ADA}&top_k=1"


@pytest.fixture
def rates(monkeypatch):
    values = {"reads": "3/min", "events": "2/hour", "batch": "1/day", "refused_keys": "2/min"}
    monkeypatch.setattr(RateThrottle, "THROTTLE_RATES", values)
    return values


def test_a_call_past_the_budget_is_refused(rates, api):
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


@pytest.fixture
def no_redis(settings, tmp_path):
    """Take Redis away: a socket that nobody listens to."""
    lists = settings.CACHES["lists"] | {"LOCATION": f"unix://{tmp_path}/gone.sock?db=2"}
    settings.CACHES = settings.CACHES | {"lists": lists}
    process_state.clear()
    yield
    process_state.clear()


def test_without_redis_no_call_is_throttled(rates, api, no_redis):
    for _ in range(5):
        assert api.get(READ)["degraded"]
        assert "RateLimit" not in api.response.headers


def test_where_redis_has_no_room_no_call_is_throttled_and_the_list_is_read(rates, api):
    api.get(READ)
    redis = redis_connection.client()
    full = {"maxmemory-policy": "noeviction", "maxmemory": 1}  # bytes
    before = {name: redis.config_get(name)[name] for name in full}
    try:
        for name, value in full.items():
            redis.config_set(name, value)
        for _ in range(5):
            assert api.get(READ)["source"] == "cache"
            assert "RateLimit" not in api.response.headers
    finally:
        for name, value in before.items():
            redis.config_set(name, value)


@pytest.fixture
def round_trips(monkeypatch):
    """Return what this thread sends to Redis, but for its logs and figures, which a web process leaves to a thread."""
    sent, send, this_thread = [], AbstractConnection.send_packed_command, threading.get_ident()

    def count(connection, *args, **options):
        if threading.get_ident() == this_thread and not re.search(b":tally:|XADD", b"".join(args[0])):
            sent.append(args)
        return send(connection, *args, **options)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", count)
    return sent


def test_a_stored_list_is_counted_and_read_in_one_round_trip(rates, api, round_trips, django_assert_num_queries):
    api.get(READ)
    round_trips.clear()
    with django_assert_num_queries(0):
        assert api.get(READ)["source"] == "cache"
    assert len(round_trips) == 1


def wrong(number, **meta):
    """Somebody who guesses, each time another key."""
    guesser = ApiClient(Authorization=f"Api-Key abcdefgh.{number}")
    guesser.client.defaults |= meta
    return guesser


def test_guessed_keys_are_throttled_and_known_ones_are_not(rates, site, django_assert_num_queries):
    site.get(READ)
    for number in range(2):
        assert wrong(number).get(READ, expect=401)["code"] == "authentication_failed"

    guesser = wrong(2)
    with django_assert_num_queries(0):
        body = guesser.get(READ, expect=429)

    assert body["code"] == "throttled"
    assert "2/min, refused_keys" in body["detail"]
    assert 1 <= int(guesser.response.headers["Retry-After"]) <= 60
    assert guesser.response.headers["RateLimit-Policy"] == '"refused_keys";q=2;w=60'
    site.get(READ)
    wrong(3, REMOTE_ADDR="10.0.0.7").get(READ, expect=401)


def test_a_key_is_known_after_its_minute_as_well(rates, site, monkeypatch):
    monkeypatch.setattr(authentication, "CACHE_SECONDS", 0.0)
    site.get(READ)
    for number in range(2):
        wrong(number).get(READ, expect=401)

    site.get(READ)


def test_an_address_that_the_client_makes_up_is_no_other(rates, settings):
    for number in range(2):
        wrong(number, HTTP_X_FORWARDED_FOR=f"10.0.0.{number}").get(READ, expect=401)
    wrong(2, HTTP_X_FORWARDED_FOR="10.0.0.2").get(READ, expect=429)

    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": 1}
    for number in range(2):
        wrong(number, HTTP_X_FORWARDED_FOR=f"10.0.0.{number}, 10.0.0.9").get(READ, expect=401)
    wrong(2, HTTP_X_FORWARDED_FOR="10.0.0.2, 10.0.0.9").get(READ, expect=429)
    wrong(3, HTTP_X_FORWARDED_FOR="10.0.0.2, 10.0.0.8").get(READ, expect=401)


def test_without_redis_a_wrong_key_is_still_only_wrong(rates, site, no_redis):
    for number in range(4):
        wrong(number).get(READ, expect=401)
    site.get(READ)
