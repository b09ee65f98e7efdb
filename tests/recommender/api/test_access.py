"""Closed by default: keys, scopes, expiry, and reads on loopback where they are opened."""

import io
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from recommender.api import access
from recommender.models import ApiKey
from tests.cast import ADA, NEMO
from tests.recommender.api.conftest import Api

READ = f"/recommend?user_id={ADA}"
EVENT = {"user_id": ADA, "movie_id": str(NEMO), "kind": "watch"}
READS = [
    ("get", READ),
    ("get", "/popular"),
    ("get", "/trending"),
    ("get", "/latest"),
    ("get", "/home"),
    ("get", "/movies?page_size=5"),
    ("post", "/recommend"),
    ("post", "/recommend/filtered"),
    ("post", "/similar"),
    ("post", "/batch/recommend"),
]
WRITES = [("post", "/events"), ("post", "/batch/recommend/cache")]
NO_KEY = ["/health/live", "/health/ready", "/schema", "/docs"]


@pytest.mark.parametrize(("method", "path"), READS + WRITES)
def test_nothing_is_open_by_default(method, path):
    stranger = Api()

    body = getattr(stranger, method)(path, expect=401)

    assert body["code"] == "not_authenticated"
    assert stranger.response.headers["WWW-Authenticate"] == "Api-Key"


def test_reads_can_be_opened_on_this_machine(model, api):
    for method, path in READS:
        assert getattr(api.client, method)(path, content_type="application/json").status_code in (200, 400), path


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_writes_need_a_key_even_there(api, method, path):
    getattr(api, method)(path, expect=401)


@pytest.mark.parametrize(
    "meta",
    [
        {"REMOTE_ADDR": "10.0.0.7"},
        {"REMOTE_ADDR": ""},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
        {"HTTP_X_REAL_IP": "127.0.0.1"},
        {"HTTP_VIA": "1.1 proxy"},
    ],
)
def test_what_comes_through_a_proxy_is_not_this_machine(api, meta):
    assert api.client.get(READ, **meta).status_code == 401


def test_what_watches_and_explains_needs_no_key(model):
    for path in NO_KEY:
        assert Api().client.get(path).status_code == 200, path


def test_a_key_opens_what_its_scopes_say(model, client_with):
    reader, writer = client_with(ApiKey.Scope.READ), client_with(ApiKey.Scope.EVENTS)

    reader.get(READ)
    body = reader.post("/events", EVENT, expect=403)
    assert "lacks the scope events:write; it has: recommend:read" in body["detail"]
    writer.post("/events", EVENT)
    writer.get(READ, expect=403)
    writer.post("/batch/recommend/cache", {}, expect=403)


@pytest.mark.parametrize("value", ["Api-Key nonsense", "Api-Key abcdefgh.secret", "Api-Key ", "Api-Key ä.ö"])
def test_a_wrong_key_is_refused_even_where_reads_are_open(db, api, value):
    api.get(READ, expect=401, headers={"Authorization": value})


def test_another_scheme_is_no_key(api):
    api.post("/events", EVENT, expect=401, headers={"Authorization": "Bearer x"})


def test_a_key_expires(model, client_with):
    reader = client_with(ApiKey.Scope.READ)
    reader.get(READ)

    ApiKey.objects.update(expiry_date=timezone.now() - timedelta(seconds=1))
    access._remembered.clear()

    assert reader.get(READ, expect=401)["code"] == "authentication_failed"


def test_a_key_that_expires_while_it_is_remembered(model, client_with):
    reader = client_with(ApiKey.Scope.READ)
    ApiKey.objects.update(expiry_date=timezone.now() + timedelta(seconds=30))
    reader.get(READ)
    [(digest, (client, until))] = access._remembered.items()
    past = access.Client(client.prefix, client.scopes, timezone.now() - timedelta(seconds=1))
    access._remembered[digest] = past, until

    reader.get(READ, expect=401)


def test_a_known_key_costs_no_query(model, client_with, django_assert_num_queries):
    reader = client_with(ApiKey.Scope.READ)
    reader.get(READ)

    with django_assert_num_queries(0):
        assert reader.get(READ)["source"] == "cache"


def command(*words):
    out = io.StringIO()
    call_command("api_key", *words, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


def test_keys_by_command(model, monkeypatch):
    key = command("create", "the app", "--scope", "recommend:read", "--expires", "2999-01-01")
    assert key not in str(ApiKey.objects.values())
    app = Api(Authorization=f"Api-Key {key}")
    app.get(READ)
    prefix = key.partition(".")[0]
    used = f"{timezone.now():%Y-%m-%d}"
    told = [prefix, "live", "expires", "2999-01-01", "used", used, "recommend:read", "the", "app"]
    assert command("list").split() == told

    command("revoke", prefix)

    monkeypatch.setattr(access, "REMEMBERED_SECONDS", 0.0)
    access._remembered.clear()
    app.get(READ, expect=401)
    assert "revoked" in command("list")
    with pytest.raises(CommandError, match="no live key"):
        command("revoke", prefix)


def test_two_keys_are_good_while_one_follows_the_other(model):
    former = command("create", "the app", "--scope", "recommend:read", "--scope", "events:write")
    prefix = former.partition(".")[0]

    fresh = command("rotate", prefix, "--days", "3")

    for key in (former, fresh):
        Api(Authorization=f"Api-Key {key}").get(READ)
    kept = ApiKey.objects.get(prefix=fresh.partition(".")[0])
    assert (kept.name, kept.scopes, kept.expiry_date) == ("the app", ["events:write", "recommend:read"], None)
    left = ApiKey.objects.get(prefix=prefix).expiry_date - timezone.now()
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)
    with time_machine.travel(timezone.now() + timedelta(days=3, minutes=5)):
        Api(Authorization=f"Api-Key {former}").get(READ, expect=401)
        with pytest.raises(CommandError, match="no live key"):
            command("rotate", prefix)


@pytest.mark.parametrize(
    "words",
    [
        ["create", "app"],
        ["create", "app", "--scope", "root"],
        ["create", "app", "--scope", "events:write", "--expires", "x"],
    ],
)
def test_a_key_needs_a_scope_and_a_date_that_is_one(words):
    with pytest.raises(CommandError):
        command(*words)
