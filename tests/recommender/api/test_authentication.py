"""Closed by default: keys, scopes, expiry, and reads on loopback where they are opened."""

import io
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from recommender import process_state
from recommender.api.access import authentication
from recommender.models import ApiKey
from tests.support.api import ApiClient
from tests.support.cast import ADA, NEMO

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
    stranger = ApiClient()

    body = getattr(stranger, method)(path, expect=401)

    assert body["code"] == "not_authenticated"
    assert stranger.response.headers["WWW-Authenticate"] == "Api-Key"


def test_reads_can_be_opened_on_this_machine(model, api):
    for method, path in READS:
        assert getattr(api.client, method)(path, content_type="application/json").status_code in (200, 400), path


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_writes_need_a_key_even_there(api, method, path):
    getattr(api, method)(path, expect=401)


# What the delivery networks and proxies document that they add, one each.
OF_PROXIES = """
    X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Port X-Forwarded-Server X-Forwarded-Prefix Forwarded
    X-Original-Forwarded-For X-Original-Host X-Original-URL X-Rewrite-URL X-Real-IP X-Client-IP X-Cluster-Client-IP Via
    X-ProxyUser-Ip Proxy-Connection Proxy-Client-IP WL-Proxy-Client-IP Client-IP X-Scheme X-Envoy-External-Address
    X-Envoy-Expected-Rq-Timeout-Ms CF-Connecting-IP CF-Ray CF-Visitor CF-IPCountry CDN-Loop True-Client-IP
    Akamai-Origin-Hop X-Akamai-Edgescape Fastly-Client-IP Fastly-FF X-Fastly-Trace Surrogate-Capability X-Varnish
    X-Amzn-Trace-Id X-Amz-Cf-Id CloudFront-Viewer-Address CloudFront-Forwarded-Proto X-Cloud-Trace-Context
    X-Google-Real-IP X-AppEngine-User-IP X-Azure-ClientIP X-Azure-FDID X-Azure-Ref X-Azure-SocketIP X-ARR-LOG-ID
    X-ARR-SSL X-AppGW-Trace-Id X-Original-For Disguised-Host X-Site-Deployment-Id X-Request-Start X-Heroku-Dynos-In-Use
    Fly-Client-IP X-Vercel-Id X-NF-Client-Connection-IP DO-Connecting-IP Incap-Client-IP X-Sucuri-ClientIP
    Ali-CDN-Real-IP Tailscale-User-Login Front-End-Https X-Some-Other-Edge
""".split()  # noqa: SIM905


def test_a_call_through_a_proxy_is_not_from_this_machine(model, api):
    assert api.client.get(READ).status_code == 200
    for header in OF_PROXIES:
        for value in ("127.0.0.1", ""):
            assert api.client.get(READ, headers={header: value}).status_code == 401, header


def test_another_peer_or_another_name_is_not_this_machine(model, api, settings):
    settings.ALLOWED_HOSTS = ["*"]
    for peer in ("10.0.0.7", "", "::ffff:10.0.0.7", "127.0.0.1, 10.0.0.7", "localhost.example.com"):
        assert api.client.get(READ, REMOTE_ADDR=peer).status_code == 401, peer
    for host in (
        "films.example.com",
        "127.0.0.1.example.com",
        "localhost.example.com",
        "10.0.0.7:8000",
        "[fd00::1]",
    ):
        assert api.client.get(READ, headers={"Host": host}).status_code == 401, host
    for host in ("localhost", "LOCALHOST:8000", "localhost.", "127.0.0.1:8000", "127.1.2.3", "[::1]", "[::1]:8000"):
        assert api.client.get(READ, headers={"Host": host}).status_code == 200, host
    assert api.client.get(READ, REMOTE_ADDR="::1", headers={"Host": "[::1]:8000"}).status_code == 200


def test_a_call_of_an_unconfigured_nginx_is_not_from_this_machine(model, api):
    """`proxy_pass` alone: the loopback address as the Host, no header besides, HTTP/1.0."""
    assert api.client.get(READ, SERVER_PROTOCOL="HTTP/1.0").status_code == 401


def test_a_page_of_somewhere_else_is_not_this_machine(model, api):
    for header in ("Origin", "Referer"):
        assert api.client.get(READ, headers={header: "http://localhost:3000"}).status_code == 200
        for page in ("https://films.example.com", "null", "http://[", "http://127.0.0.1.example.com/"):
            assert api.client.get(READ, headers={header: page}).status_code == 401, page
        dev_page = {header: "http://localhost:3000", "Sec-Fetch-Site": "cross-site"}  # of 127.0.0.1
        assert api.client.get(READ, headers=dev_page).status_code == 200
    # A page that keeps its own address to itself.
    assert api.client.get(READ, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 401


def test_clients_on_this_machine_need_no_key(model, api):
    for sent in (
        {"User-Agent": "curl/8.5.0", "Accept": "*/*"},
        {"User-Agent": "python-requests/2.32", "Accept-Encoding": "gzip, deflate", "Connection": "keep-alive"},
        {"Sec-Fetch-Site": "same-origin", "Sec-CH-UA": '"Chromium"', "Referer": "http://127.0.0.1:8000/docs"}
        | {"Upgrade-Insecure-Requests": "1", "Cookie": "csrftoken=x", "X-CSRFTOKEN": "x", "Priority": "u=1"},
        {"X-Request-ID": "abc", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        {"If-None-Match": 'W/"x"', "Cache-Control": "no-cache", "Pragma": "no-cache"},
    ):
        assert api.client.get(READ, headers=sent).status_code == 200, sent


def test_behind_a_proxy_nothing_is_open(model, api, settings):
    settings.BEHIND_PROXY = True
    assert api.client.get(READ).status_code == 401


def test_health_and_documents_need_no_key(model):
    for path in NO_KEY:
        assert ApiClient().client.get(path).status_code == 200, path


def test_a_key_permits_what_its_scopes_say(model, client_with):
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
    process_state.clear()

    assert reader.get(READ, expect=401)["code"] == "authentication_failed"


def test_a_cached_key_expires_at_its_moment(model, client_with, django_assert_num_queries):
    reader = client_with(ApiKey.Scope.READ)
    ApiKey.objects.update(expiry_date=timezone.now() + timedelta(seconds=30))
    reader.get(READ)

    with time_machine.travel(timezone.now() + timedelta(seconds=31)), django_assert_num_queries(0):
        reader.get(READ, expect=401)


def test_a_known_key_costs_no_query(model, client_with, django_assert_num_queries):
    reader = client_with(ApiKey.Scope.READ)
    reader.get(READ)

    with django_assert_num_queries(0):
        assert reader.get(READ)["source"] == "cache"


def command(*arguments):
    out = io.StringIO()
    call_command("api_key", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


def test_keys_by_command(model, monkeypatch):
    key = command("create", "the app", "--scope", "recommend:read", "--expires", "2999-01-01")
    assert key not in str(ApiKey.objects.values())
    app = ApiClient(Authorization=f"Api-Key {key}")
    app.get(READ)
    prefix = key.partition(".")[0]
    used = f"{timezone.now():%Y-%m-%d}"
    columns = [prefix, "live", "expires", "2999-01-01", "used", used, "recommend:read", "the", "app"]
    assert command("list").split() == columns

    command("revoke", prefix)

    monkeypatch.setattr(authentication, "CACHE_SECONDS", 0.0)
    process_state.clear()
    app.get(READ, expect=401)
    assert "revoked" in command("list")
    with pytest.raises(CommandError, match="no live key"):
        command("revoke", prefix)


def test_both_keys_are_valid_during_a_rotation(model):
    former = command("create", "the app", "--scope", "recommend:read", "--scope", "events:write")
    prefix = former.partition(".")[0]

    successor = command("rotate", prefix, "--days", "3")

    for key in (former, successor):
        ApiClient(Authorization=f"Api-Key {key}").get(READ)
    stored = ApiKey.objects.get(prefix=successor.partition(".")[0])
    assert (stored.name, stored.scopes, stored.expiry_date) == ("the app", ["events:write", "recommend:read"], None)
    left = ApiKey.objects.get(prefix=prefix).expiry_date - timezone.now()
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)
    with time_machine.travel(timezone.now() + timedelta(days=3, minutes=5)):
        ApiClient(Authorization=f"Api-Key {former}").get(READ, expect=401)
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
