"""The storefront's page and files, as a browser gets them."""

import gzip
import json
import os
import re
import subprocess
import sys
from html import unescape

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tests.support.launcher import ROOT

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ADDRESSES = (
    "/",
    "/film/2147000942",
    "/film/a%2Fb",
    "/browse",
    "/search",
    "/mine",
    "/mine/taste",
    "/together",
    "/start",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_of_the_storefront_is_the_bundles_and_runs_nothing_inline(address):
    answer = Client(headers=BROWSER).get(address)
    page = answer.content.decode()

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert re.search(r'<script type="module" crossorigin src="/static/storefront/assets/index-[\w-]+\.js">', page)
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", page)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';" in policy
    assert "unsafe" not in policy


def test_the_bundle_is_compressed_and_kept_for_good():
    page = Client(headers=BROWSER).get("/").content.decode()
    files = re.findall(r'"(/static/storefront/assets/[^"]+)"', page)
    sent = {}
    for file in files:
        answer = Client(headers={"Accept-Encoding": "gzip"}).get(file)
        body = b"".join(answer.streaming_content)
        assert answer.headers["Content-Encoding"] == "gzip", file
        assert "immutable" in answer.headers["Cache-Control"]
        assert gzip.decompress(body) == b"".join(Client().get(file).streaming_content)
        sent[file] = len(body)

    assert {file.rpartition(".")[2] for file in files} == {"js", "css"}
    assert sum(sent.values()) <= 120_000, sent


def test_where_it_is_off_the_root_is_as_before_and_its_addresses_are_none(settings):
    settings.STOREFRONT = False
    page = Client(headers=BROWSER).get("/")
    assert 'href="/docs"' in page.content.decode()
    assert Client(headers=BROWSER).get("/browse").status_code == 404
    assert Client(headers=BROWSER).get("/demo/viewers").status_code == 404


def test_programs_are_told_where_the_api_is():
    assert Client(headers={"Accept": "application/json"}).get("/").json()["places"]["/docs"]


@pytest.mark.parametrize(
    ("variables", "is_on"),
    [({}, True), ({"MOVIEREC_STOREFRONT": "0"}, False), ({"MOVIEREC_PRODUCTION": "1"}, False)]
    + [({"MOVIEREC_PRODUCTION": "1", "MOVIEREC_STOREFRONT": "1"}, True)],
)
def test_production_has_it_only_if_it_is_asked_for(variables, is_on):
    secrets = {
        "MOVIEREC_SECRET_KEY": "a-key-of-many-letters-3fJk29xQ-and-of-many-more-8sLw",
        "MOVIEREC_ADMIN_PASSWORD": "",
    }
    secrets["MOVIEREC_ADMIN_PASSWORD"] = "tulips-in-november-7"
    code = "from movierec import settings; print(settings.STOREFRONT)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | secrets | variables, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(is_on), done.stderr


def test_images_and_tokens_come_from_where_the_operator_says(settings):
    settings.POSTER_ORIGINS = ["https://image.example"]
    settings.STOREFRONT_TOKEN_URL = 'https://www.site.example/movie-token?"a"'
    answer = Client(headers=BROWSER).get("/")
    policy = answer.headers["Content-Security-Policy"]

    assert "img-src 'self' https://image.example;" in policy
    assert "connect-src 'self' https://www.site.example;" in policy
    content = re.search(r'<meta name="movierec" content="([^"]*)"', answer.content.decode())
    assert content
    config = json.loads(unescape(content[1]))
    assert config["tokenUrl"] == settings.STOREFRONT_TOKEN_URL
    assert config["posterOrigins"] == settings.POSTER_ORIGINS


@pytest.mark.parametrize("address", ["/flim/1", "/film", "/mine/taste/more", "/docs/there-is-none"])
def test_a_wrong_address_is_a_page_of_the_storefront(address):
    answer = Client(headers=BROWSER).get(address)
    assert answer.status_code == 404
    assert "/static/storefront/assets/index-" in answer.content.decode()
    assert Client(headers={"Accept": "application/json"}).get(address).json()["code"] == "not_found"
    assert Client(headers=BROWSER).post(address).json()["code"] == "not_found"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("opened", "who", "leads"),
    [
        ({"API_OPEN": True}, None, True),  # as ./run starts it: whoever looks is the operator
        ({"API_OPEN": True, "BEHIND_PROXY": True}, None, False),
        ({"API_OPEN": False}, None, False),
        ({"API_OPEN": False}, {"is_staff": False}, False),
        ({"API_OPEN": False}, {"is_staff": True}, True),
    ],
)
def test_viewers_are_not_led_to_the_admin_but_staff_are(settings, opened, who, leads):
    for name, value in opened.items():
        setattr(settings, name, value)
    browser = Client(headers=BROWSER)
    if who is not None:
        browser.force_login(get_user_model().objects.create_user("ed", **who))
    content = re.search(r'<meta name="movierec" content="([^"]*)"', browser.get("/").content.decode())
    assert content
    assert json.loads(unescape(content[1]))["staff"] is leads


def test_no_registry_is_named_where_packages_are_locked():
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text())
    assert len(lock["packages"]) > 50
    assert not [name for name, package in lock["packages"].items() if "://" in package.get("resolved", "")]
