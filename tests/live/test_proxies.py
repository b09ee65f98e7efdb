"""The proxies of deploy/ as they are, before a web process in production: real nginx, real Caddy."""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.support.cast import ADA
from tests.support.launcher import ROOT, free_port
from tests.support.live_server import LiveServer
from tests.support.workers import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("live")]
NAME = "films.example.com"
LIST = f"/recommend?user_id={ADA}&top_k=5"
SLOW = 60  # clients


@pytest.fixture
def behind(proxy: "Proxy") -> LiveServer:
    return proxy.behind


@contextlib.contextmanager
def production(system: LiveServer) -> Iterator[LiveServer]:
    """movierec as it is configured on a server. One for each proxy, as tests use budgets up."""
    running = LiveServer(
        system.key,
        MOVIEREC_PRODUCTION="1",
        MOVIEREC_API_OPEN="0",
        MOVIEREC_BEHIND_PROXY="1",
        MOVIEREC_SECRET_KEY="Vq7-x3_pZrK9sLw2Nd8uTbHc5yGfJm4eAaQk1oRi6tYvXzWnPj0B",
        MOVIEREC_ADMIN_PASSWORD="Vq7-x3_pZrK9sLw2Nd8u",
        MOVIEREC_ALLOWED_HOSTS=NAME,
        MOVIEREC_TRUSTED_ORIGINS=f"https://{NAME}",
        MOVIEREC_WEB_WORKERS="1",
        MOVIEREC_WEB_THREADS="8",
        MOVIEREC_RATE_REFUSED="30/min",
    )
    try:
        yield running
    finally:
        running.stop()


class Proxy:
    """A client of the proxy, over TLS."""

    def __init__(self, port: int, name: str, behind: LiveServer) -> None:
        self.port, self.name, self.behind = port, name, behind
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE

    def connect(self) -> ssl.SSLSocket:
        return self.context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 30), server_hostname=NAME)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60)
        connection.sock = self.connect()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Host": NAME, **named})
            answer = connection.getresponse()
            told = {name: ", ".join(answer.headers.get_all(name) or []) for name in answer.headers}
            return answer.status, told, answer.read()


@pytest.fixture(scope="module", params=["nginx", "caddy", "caddy that buffers"])
def proxy(request: Any, system: LiveServer, tmp_path_factory: Any) -> Iterator[Proxy]:
    name = request.param.split()[0]
    program = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip(f"{name} is not installed (apt-get install {name})")
    with production(system) as behind:
        folder, port, plain = tmp_path_factory.mktemp(name), free_port(), free_port()
        made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}"]
        made += ["-keyout", str(folder / "key"), "-out", str(folder / "pem")]
        subprocess.run(made, check=True, capture_output=True)
        command = (_nginx if name == "nginx" else _caddy)(folder, port, plain, behind.port)
        if request.param.endswith("buffers"):
            _let_it_buffer(folder / "Caddyfile", program)
        env = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        with (folder / "out").open("wb") as out:
            process = subprocess.Popen([program, *command], stdout=out, stderr=subprocess.STDOUT, env=env, cwd=folder)
        found = Proxy(port, name, behind)

        def answers() -> bool:
            assert process.poll() is None, (folder / "out").read_text()
            with contextlib.suppress(OSError):
                return found.ask("GET", "/health/live")[0] == 200
            return False

        try:
            wait_until(answers)
            yield found
        finally:
            process.terminate()
            process.wait(20)


def _nginx(folder: Path, port: int, plain: int, behind: int) -> list[str]:
    site = (ROOT / "deploy" / "nginx" / "movierec.conf").read_text()
    for there, here in (
        ("127.0.0.1:8000", f"127.0.0.1:{behind}"),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("listen 80", f"listen 127.0.0.1:{plain}"),
        ("/etc/ssl/films.example.com.", f"{folder}/"),
    ):
        assert there in site
        site = site.replace(there, here)
    places = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = f"daemon off; pid {folder}/pid; error_log {folder}/error; events {{}}\n"
    user = "user root;\n" if os.getuid() == 0 else ""
    (folder / "conf").write_text(f"{user}{main}http {{ access_log off; {places}\n{site}}}\n")
    return ["-c", str(folder / "conf"), "-p", str(folder)]


def _caddy(folder: Path, port: int, plain: int, behind: int) -> list[str]:
    site = (ROOT / "deploy" / "caddy" / "Caddyfile").read_text()
    here = f"{NAME}:{port} {{\n\ttls {folder}/pem {folder}/key"
    assert f"\n{NAME} {{" in site
    site = site.replace(f"\n{NAME} {{", f"\n{here}").replace("127.0.0.1:8000", f"127.0.0.1:{behind}")
    site = site.replace("{\n\tservers", f"{{\n\tadmin off\n\tauto_https off\n\thttp_port {plain}\n\tservers", 1)
    (folder / "Caddyfile").write_text(site)
    return ["run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def _let_it_buffer(file: Path, program: str) -> None:
    version = subprocess.run([program, "version"], capture_output=True, text=True).stdout.lstrip("v").split(".")
    newer = [int(part) for part in version[:2]] >= [2, 7]
    words = "request_buffers 2MB" if newer else "buffer_requests\n\t\tmax_buffer_size 2MB"
    site = file.read_text()
    assert words.split()[0] in site  # the hint in the file names what this version knows
    file.write_text(site.replace("\t\ttransport http", f"\t\t{words}\n\t\ttransport http"))


def test_reads_take_a_key_through_it(proxy, behind):
    assert proxy.ask("GET", "/health/ready")[0] == 200
    assert proxy.ask("GET", LIST)[0] == 401
    assert proxy.ask("GET", LIST, X_Forwarded_For="127.0.0.1", X_Real_IP="127.0.0.1")[0] == 401
    status, headers, body = proxy.ask("GET", LIST, Authorization=f"Api-Key {behind.key}")
    assert (status, headers["Strict-Transport-Security"] != "", len(json.loads(body)["recommendations"])) == (
        200,
        True,
        5,
    )


def test_bodies_are_bounded(proxy, behind):
    keyed = {"Authorization": f"Api-Key {behind.key}", "Content_Type": "application/json"}
    status, headers, _ = proxy.ask("POST", "/recommend", b" " * (3 << 20), **keyed)
    assert (status, headers["Content-Type"]) == (413, "application/problem+json")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):  # it may not read what it refuses
        assert proxy.ask("POST", "/imports/events", b" " * (70 << 20), **keyed)[0] == 413
    whole = proxy.ask("POST", "/recommend", iter([b'{"user_id": ', str(ADA).encode(), b"}"]), **keyed)  # in chunks
    assert whole[0] == (200 if proxy.name == "nginx" else 411)


def test_slow_clients_are_held_off(proxy, behind):
    """More of them than movierec has threads."""
    head = f"POST /recommend HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: Api-Key {behind.key}\r\n"
    slow = [proxy.connect() for _ in range(SLOW)]
    for n, one in enumerate(slow):
        one.sendall((head + ("X-Slow: a" if n % 2 else "Content-Length: 500\r\n\r\n{")).encode())
    for _ in range(5):
        for one in slow:
            with contextlib.suppress(OSError):
                one.sendall(b"a")
        begun = time.monotonic()
        assert proxy.ask("GET", "/health/live")[0] == 200
        assert proxy.ask("GET", LIST, Authorization=f"Api-Key {behind.key}")[0] == 200
        assert time.monotonic() - begun < 10
        time.sleep(1)
    for one in slow:
        one.close()


def test_staff_log_in_through_it(proxy, transactional_db):
    User.objects.filter(username="olga").delete()
    User.objects.create_superuser("olga", password="a long one that nobody guesses")
    _, headers, page = proxy.ask("GET", "/admin/login/")
    cookie = headers["Set-Cookie"].partition(";")[0]
    token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    form = {"username": "olga", "password": "a long one that nobody guesses", "next": "/admin/"}
    form["csrfmiddlewaretoken"] = token[1].decode()
    sent = {"Cookie": cookie, "Referer": f"https://{NAME}/admin/login/", "Origin": f"https://{NAME}"}
    sent["Content-Type"] = "application/x-www-form-urlencoded"
    status, headers, _ = proxy.ask("POST", "/admin/login/", urllib.parse.urlencode(form), **sent)
    assert (status, headers["Location"]) == (302, "/admin/")
    assert "sessionid=" in headers["Set-Cookie"]
    assert "Secure" in headers["Set-Cookie"]


def test_an_address_is_the_one_that_the_proxy_sees(proxy):
    """Comes last: the budget of refusals is used up after it."""
    statuses = [proxy.ask("GET", "/popular", X_Forwarded_For=f"203.0.113.{n}")[0] for n in range(60)]
    assert statuses[-1] == 429
    assert proxy.ask("GET", "/health/ready")[0] == 200
