"""The addresses that people type."""

import socket
import subprocess
import sys

import pytest
from django.test import Client

from infrastructure.addresses import Address, configured_address, wait_until_free
from infrastructure.errors import SetupError
from tests.support.launcher import ROOT, free_port, launcher_environment

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_the_root_page_answers_browsers_and_programs(settings):
    settings.STOREFRONT = False
    page = Client(headers={"Accept": BROWSER}).get("/")
    assert page.headers["Content-Type"].startswith("text/html")
    for link in ("/docs", "/admin/", "/health/ready"):
        assert f'href="{link}"' in page.content.decode()
    for accept in ("*/*", "application/json"):
        assert Client(headers={"Accept": accept}).get("/").json()["name"] == "movierec"
    assert Client().head("/").status_code == 200
    assert Client().post("/").status_code == 405


@pytest.mark.parametrize(
    ("typed", "leads_to"), [("/admin", "/admin/"), ("/docs/", "/docs"), ("/schema/?format=json", "/schema?format=json")]
)
def test_addresses_with_and_without_a_slash(typed, leads_to):
    answer = Client().get(typed)
    assert (answer.status_code, answer.headers["Location"]) == (302, leads_to)


@pytest.mark.django_db
def test_an_unknown_page_of_the_admin_is_still_a_page(admin_client):
    answer = admin_client.get("/admin/nonsense")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("::1", "http://[::1]:8000"),
        ("[::1]", "http://[::1]:8000"),
        ("::", "http://[::1]:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("localhost", "http://localhost:8000"),
    ],
)
def test_the_url_of_an_address(monkeypatch, bind, url):
    monkeypatch.setenv("MOVIEREC_BIND", bind)
    monkeypatch.setenv("PORT", "8000")
    assert configured_address().url == url


@pytest.mark.parametrize("host", ["::1", "::", "127.0.0.1", "localhost"])
def test_a_taken_port_is_noticed_on_every_kind_of_address(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as other:
        other.bind((host, 0))
        other.listen()
        with pytest.raises(SetupError, match="is taken by another program"):
            wait_until_free(Address(host, other.getsockname()[1]), 0)


def test_an_unknown_host():
    with pytest.raises(SetupError, match="is no address of this machine"):
        wait_until_free(Address("no.such.host.invalid", 8000), 0)


@pytest.mark.parametrize(("bind", "host"), [("[::1]", "[::1]"), ("::1", "[::1]"), ("10.1.2.3", "10.1.2.3")])
def test_the_bind_address_is_an_allowed_host(tmp_path, bind, host):
    code = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'movierec.settings'\n"
        "from django.conf import settings; from movierec import gunicorn; print(settings.ALLOWED_HOSTS, gunicorn.bind)"
    )
    env = launcher_environment(tmp_path, free_port(), MOVIEREC_BIND=bind)
    completed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert f"'{host}'" in completed.stdout
    assert f"] {host}:" in completed.stdout
