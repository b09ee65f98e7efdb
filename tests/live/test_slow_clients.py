"""Clients that send or read a byte at a time hold sockets and no threads: the others do not notice them."""

import contextlib
import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cast import ADA, MATRIX
from tests.support.live_server import LiveServer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("live")]
EACH = 200  # connections of a kind
HEADER_SECONDS, BODY_SECONDS = 3.0, 5.0
PATIENT = 10.0  # seconds that an ordinary call may take on a busy machine; with slow threads it was over 30
LIST = f"/recommend?user_id={ADA}&top_k=5"
SCRIPT = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"


@pytest.fixture(scope="module")
def server(system: LiveServer) -> Iterator[LiveServer]:
    seconds = {"MOVIEREC_HEADER_SECONDS": str(HEADER_SECONDS), "MOVIEREC_BODY_SECONDS": str(BODY_SECONDS)}
    running = LiveServer(system.key, wait=True, **seconds)
    yield running
    running.stop()


class Drips:
    """Connections that begin a request and then send a byte a second each."""

    def __init__(self, server: LiveServer, *beginnings: str) -> None:
        self.alive: list[socket.socket] = []
        self.ends: list[bytes] = []  # what each got before its connection was closed
        for beginning in beginnings:
            for _ in range(EACH):
                one = socket.create_connection(("127.0.0.1", server.port))
                one.sendall(beginning.encode())
                one.setblocking(False)
                self.alive.append(one)
        self.got = dict.fromkeys(self.alive, b"")

    def drip(self) -> None:
        for one in list(self.alive):
            try:
                one.send(b"a")
                piece = one.recv(4096)
            except BlockingIOError:
                continue
            except OSError:
                piece = b""
            self.got[one] += piece
            if not piece:
                self.alive.remove(one)
                self.ends.append(self.got[one])
                one.close()


def ask_while(server: LiveServer, seconds: float, done, each) -> None:
    """Ordinary calls until it is done; `each` is called once a second."""
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        for path in ("/health/live", LIST):
            reply = server.send(path)
            assert (reply.status, reply.seconds < PATIENT) == (200, True), (path, reply.status, reply.seconds)
        each()
        time.sleep(1)


def test_six_hundred_that_send_slowly_stop_nobody_and_are_ended(server):
    body = "POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n"
    keyed = f"{body}Authorization: Api-Key {server.key}\r\n"
    drips = Drips(server, f"GET {LIST} HTTP/1.1\r\nX-Slow: ", f"{body}\r\n{{", f"{keyed}\r\n{{")

    ask_while(server, 60, lambda: not drips.alive, drips.drip)

    assert len(drips.ends) == 3 * EACH
    told = [end for end in drips.ends if end]
    assert all(end.startswith(b"HTTP/1.1 408 ") for end in told)
    assert len(told) > 2 * EACH  # a byte that came after the answer may reset the connection before it is read


def test_those_who_never_read_stop_nobody_and_are_ended(server):
    readers = []
    for _ in range(EACH):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect(("127.0.0.1", server.port))
        one.sendall(f"GET {SCRIPT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        readers.append(one)
    begun = time.monotonic()

    ask_while(server, 60, lambda: time.monotonic() > begun + BODY_SECONDS + 3, lambda: None)

    for one in readers:
        one.settimeout(5)
        size = 0
        with contextlib.suppress(ConnectionResetError):
            while piece := one.recv(1 << 16):
                size += len(piece)
        assert size > 0
        one.close()
    script = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    script.request("GET", SCRIPT)
    assert len(script.getresponse().read()) > 1_000_000  # whoever reads gets all of it


def test_where_there_is_no_room_the_longest_waiting_go(system):
    few = LiveServer(system.key, GUNICORN_CMD_ARGS="--worker-connections 40", MOVIEREC_WEB_WORKERS="1")
    try:
        waiting = [socket.create_connection(("127.0.0.1", few.port)) for _ in range(EACH)]
        for one in waiting:
            one.sendall(b"GET /slow HTTP/1.1\r\n")
        for path in ("/health/live", LIST):
            assert few.send(path).status == 200
        for one in waiting:
            one.close()
    finally:
        few.stop()


def test_there_is_never_room_for_more_than_there_is_after_many_have_come_and_gone(system):
    """Requests that come at the very moment in which their connections are closed to make room."""
    size = {"GUNICORN_CMD_ARGS": "--worker-connections 40", "MOVIEREC_WEB_THREADS": "4", "MOVIEREC_WEB_WORKERS": "1"}
    few = LiveServer(system.key, **size)
    worker = few.workers[0]

    def files() -> int:
        return len(list(Path(f"/proc/{worker}/fd").iterdir()))

    live = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    try:
        assert few.send("/health/ready").status == 200
        before = files()
        for _ in range(20):
            come = [socket.create_connection(("127.0.0.1", few.port)) for _ in range(60)]
            for one in come + come[-10:]:
                with contextlib.suppress(OSError):
                    one.sendall(live)
                    one.recv(4096)
            os.kill(worker, signal.SIGSTOP)  # so that what follows is one turn of its loop
            come += [socket.create_connection(("127.0.0.1", few.port)) for _ in range(8)]
            for one in come:
                with contextlib.suppress(OSError):
                    one.sendall(live)
            os.kill(worker, signal.SIGCONT)
            assert few.send("/health/live").status == 200
            for one in come:
                one.close()
        waiting = [socket.create_connection(("127.0.0.1", few.port)) for _ in range(EACH)]
        assert few.send("/health/live").status == 200
        assert (files() <= before + 40, few.workers) == (True, [worker])
        for one in waiting:
            one.close()
    finally:
        few.stop()


SMUGGLED = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "length",
    [f"Content-Length: {len(SMUGGLED):030d}", "Transfer-Encoding: chunked", "Content-Length: 9000000"],
)
def test_what_comes_behind_a_request_that_was_read_for_shorter_is_no_request(server, length):
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
        head = f"POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
        one.sendall(head.encode() + SMUGGLED)
        told = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := one.recv(4096):
                told += piece
    assert (told.count(b"HTTP/1.1 "), b"Connection: close" in told) == (1, True), told


def test_a_whole_address_as_target_has_the_limits_of_its_path(server):
    body = b"id,title\r\n" + b" \r\n" * 1_000_000
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
        head = (
            "POST http://localhost/imports/movies HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
            f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
        )
        one.sendall(head.encode())
        assert one.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_requests_are_read_whole_however_they_come(server):
    """In pieces, behind one another, after leave was asked for, and larger than what is held in memory."""
    body = json.dumps({"history": [str(MATRIX)], "top_k": 3, "exclude": ["9" * 9] * 9_000}).encode()
    head = (
        f"POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
        one.sendall(f"{head}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert one.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        for start in range(0, len(body), 30_000):
            one.sendall(body[start : start + 30_000])
            time.sleep(0.05)
        answer = http.client.HTTPResponse(one)
        answer.begin()
        first = json.loads(answer.read())
        assert (answer.status, "errors" in first) == (400, True)  # more films than may be excluded: all were read

        live = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
        one.sendall(live + b"\r\n" + live + b"Connection: close\r\n\r\n")
        both = b""
        while piece := one.recv(4096):
            both += piece
        assert both.count(b'{"status":"live"}') == 2


def test_a_body_that_is_too_large_is_refused_unread(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as one:
        one.sendall(b"POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000000\r\n\r\n{")
        assert one.recv(4096).startswith(b"HTTP/1.1 413 ")
