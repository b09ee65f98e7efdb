"""Over real sockets: a proxy that says nothing of itself opens nothing, and nobody makes up a scheme or a path."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.workers import wait_until

PAGE = "/movies?page_size=1"
NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{bare}; location / {{ proxy_pass http://127.0.0.1:{port}; }} }}
  server {{
    listen 127.0.0.1:{newer};
    location / {{ proxy_pass http://127.0.0.1:{port}; proxy_http_version 1.1; proxy_set_header Host $host; }}
  }}
}}
"""


def ask(port: int, lines: list[str]) -> tuple[int, str]:
    """The status and the text that are answered to these lines of a request."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        with line.makefile("rb") as answer:
            text = answer.read().decode()
    return int(text.split()[1]), text


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def proxies(live, tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Ports of an nginx that says nothing of itself: as it is by default, and with HTTP/1.1 and the name asked for."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    bare, newer = free_port(), free_port()
    config = tmp_path / "nginx.conf"
    config.write_text(NGINX.format(folder=tmp_path, port=live.port, bare=bare, newer=newer))
    process = subprocess.Popen([nginx, "-p", tmp_path, "-c", config], stderr=subprocess.DEVNULL)

    def listens() -> bool:
        try:
            return bool(ask(newer, ["GET /health/live HTTP/1.1", "Host: localhost"]))
        except OSError:
            return False

    try:
        wait_until(listens)
        yield bare, newer
    finally:
        process.terminate()
        process.wait(10)


def test_a_proxy_that_says_nothing_of_itself_opens_nothing(live, proxies):
    bare, newer = proxies
    direct = ask(live.port, [f"GET {PAGE} HTTP/1.1", f"Host: 127.0.0.1:{live.port}"])
    assert direct[0] == 200
    for port in proxies:
        status, text = ask(port, [f"GET {PAGE} HTTP/1.1", "Host: films.example.com"])
        assert status in (400, 401), text  # 400: a name that the site does not answer to
    assert ask(bare, [f"GET {PAGE} HTTP/1.1", "Host: localhost"])[0] == 401
    with_key = [f"GET {PAGE} HTTP/1.1", "Host: localhost", f"Authorization: Api-Key {live.key}"]
    assert ask(bare, with_key)[0] == ask(newer, with_key)[0] == 200


def test_such_a_proxy_does_not_open_the_systems_health_either(live, proxies):
    """`/health/` answers whatever the Host, which must not pass for this machine's own."""
    named = ["GET /health/system HTTP/1.1", "Host: films.example.com"]
    assert ask(live.port, ["GET /health/system HTTP/1.1", f"Host: 127.0.0.1:{live.port}"])[0] in (200, 503)
    for port in (live.port, *proxies):
        status, text = ask(port, named)
        assert status == 401, text
        assert ask(port, ["GET /health/live HTTP/1.1", "Host: films.example.com"])[0] == 200


def test_nobody_makes_up_a_scheme_or_a_path(live):
    asked = [f"GET {PAGE} HTTP/1.1", "Host: localhost", f"Authorization: Api-Key {live.key}"]
    for claim in ("X-Forwarded-Proto: https", "X-Forwarded-Ssl: on", "SCRIPT_NAME: /x", "PATH_INFO: /health/live"):
        status, text = ask(live.port, [*asked, claim])
        assert status == 200, text
        assert '"next":"http://localhost/movies?' in text, claim
