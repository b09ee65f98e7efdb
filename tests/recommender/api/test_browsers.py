"""What browsers need: copies that are asked about, compression, pages of other sites, headers that close the rest."""

import gzip
import json
import os
import subprocess
import sys

import brotli
import pytest

from tests.support.api import ApiClient
from tests.support.cast import ADA, NEMO
from tests.support.launcher import ROOT

READ = f"/recommend?user_id={ADA}&top_k=10&titles=true"


def get(api, path, **headers):
    return api.client.get(path, headers=headers)


def test_a_copy_is_good_until_the_list_changes(model, site):
    get(site, READ)  # the first is made, the second is stored
    first = get(site, READ)
    etag = first.headers["ETag"]
    assert (first.headers["Cache-Control"], first.headers["Vary"]) == (
        "private, no-cache",
        "Authorization, Accept-Language, Accept-Encoding",
    )

    unchanged = get(site, READ, **{"If-None-Match": f'"x", {etag}'})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["ETag"]) == (304, b"", etag)
    assert unchanged.headers["X-Request-ID"]
    assert get(site, f"/recommend?user_id={ADA}&top_k=9&titles=true", **{"If-None-Match": etag}).status_code == 200

    site.post("/events", {"user_id": ADA, "movie_id": str(NEMO), "kind": "watch"})
    changed = get(site, READ, **{"If-None-Match": etag})
    assert (changed.status_code, changed.headers["ETag"] != etag) == (200, True)
    for path in ("/popular", "/home?user_id=101"):
        etag = get(site, path).headers["ETag"]
        etag = get(site, path).headers["ETag"]
        assert get(site, path, **{"If-None-Match": etag}).status_code == 304, path


@pytest.mark.parametrize(("accepted", "read"), [("gzip", gzip.decompress), ("gzip, br", brotli.decompress)])
def test_answers_are_compressed_for_clients_that_accept_it(model, site, accepted, read):
    plain = get(site, READ)
    small = get(site, READ, **{"Accept-Encoding": accepted})

    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == accepted.split(", ")[-1]
    assert len(small.content) < 0.6 * len(plain.content)
    assert json.loads(read(small.content))["recommendations"] == json.loads(plain.content)["recommendations"]


@pytest.fixture
def from_a_page(settings):
    """With one origin configured: what a process that starts so has for settings."""
    script = (
        "import json; from movierec import settings as s; print(json.dumps([s.CORS_ALLOWED_ORIGINS, s.MIDDLEWARE]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"MOVIEREC_CORS_ORIGINS": "https://films.example"},
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    settings.CORS_ALLOWED_ORIGINS, settings.MIDDLEWARE = json.loads(done.stdout)


def test_a_page_of_a_configured_site_may_read(model, from_a_page, site):
    asks = {"Origin": "https://films.example", "Access-Control-Request-Method": "POST"}
    asks["Access-Control-Request-Headers"] = "authorization, content-type, if-none-match"
    preflight = ApiClient().client.options("/recommend", headers=asks)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://films.example"
    assert {"authorization", "if-none-match"} <= set(preflight.headers["Access-Control-Allow-Headers"].split(", "))

    answer = get(site, READ, Origin="https://films.example")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://films.example"
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    for page, path in (("https://evil.example", READ), ("https://films.example", "/admin/login/")):
        assert "Access-Control-Allow-Origin" not in get(site, path, Origin=page).headers


def test_no_page_may_by_default(model, site):
    answer = get(site, READ, Origin="https://films.example")

    assert not [name for name in answer.headers if name.startswith("Access-Control")]


def test_every_answer_is_closed(model, site):
    for path in (READ, "/nowhere", "/health/live", "/admin/login/", "/docs"):
        headers = get(site, path).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "Cross-Origin-Opener-Policy" in headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert get(site, READ).headers["Content-Security-Policy"].startswith("default-src 'none'")
