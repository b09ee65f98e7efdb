"""What the real processes write of a viewer: the log of the web server, of a worker, of Postgres and of Valkey."""

import socket
from datetime import timedelta
from urllib.parse import quote

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from recommender import privacy, tasks
from tests.support.cast import EMPIRE, STAR_WARS
from tests.support.live_server import LiveServer
from tests.support.viewer_traces import event, is_written_in, traces_of
from tests.support.workers import start_worker, wait_until

KEY = "zoë.o'unlikely+2@example.org"
NAMED = quote(KEY, safe="")


def raw_requests(port):
    """Send what no client should: each is refused before or by the application."""
    head = f"Host: 127.0.0.1:{port}\r\nConnection: close\r\n"
    for text in (
        f"GET /users/{KEY} not http\r\n{head}\r\n",
        f"GET /users/{NAMED}/data HTTP/9.9\r\n{head}\r\n",
        f"GET /users/{NAMED}/data HTTP/1.1\r\n{head}X {KEY}: 1\r\n\r\n",
        f"GET /users/{NAMED}/data HTTP/1.1\r\nHost: {NAMED}.example.org\r\n\r\n",
        f"GET /users/{NAMED}/{'x' * 9000} HTTP/1.1\r\n{head}\r\n",
        f"POST /events HTTP/1.1\r\n{head}Content-Type: application/json\r\nContent-Length: 40\r\n\r\n"
        + f'{{"user_id": "{KEY}',
        f"{KEY} / HTTP/1.1\r\n{head}\r\n",
        f"GET /users/%ff{NAMED}%zz/data HTTP/1.1\r\n{head}\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            client.sendall(text.encode())
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass


@pytest.mark.slow
def test_no_process_writes_of_a_viewer_and_nothing_is_left_of_one(live, tmp_path):
    web_log, worker_log = tmp_path / "web.log", tmp_path / "worker.log"
    with web_log.open("wb") as web_output, worker_log.open("wb") as worker_output:
        web = LiveServer(live.key, output=web_output, MOVIEREC_LOG_LEVEL="INFO", MOVIEREC_PRODUCTION="0")
        worker = start_worker(output=worker_output)
        try:
            events = [event(KEY, movie, day=day) for day, movie in enumerate((STAR_WARS, EMPIRE))]
            web.fetch("/events", events, key=True)
            for path in ("/recommend?top_k=5&", "/home?", "/popular?"):
                web.fetch(f"{path}user_id={NAMED}", key=True)
            job = web.send("/batch/recommend/cache", {"user_histories": {KEY: ["260"]}}, key=True).body["job_id"]
            wait_until(lambda: web.fetch(f"/jobs/{job}", key=True)["status"] == "done", 60)
            for path in (f"/recommend?user_id={NAMED}&top_k=x", f"/users/{NAMED}/nothing", f"/movies/{NAMED}"):
                assert web.send(path, key=True).status >= 400
            assert web.send("/events", {"user_id": KEY, "movie_id": KEY, "kind": KEY}, key=True).status == 400
            assert web.send("/recommend", {"user_id": KEY, "cursor": KEY}, key=True).status == 400
            raw_requests(web.port)
            assert web.fetch(f"/users/{NAMED}/data", key=True)["events"]
        finally:
            web.stop()
            worker.terminate()
            worker.wait(30)

    privacy.erase_viewer(KEY)
    with time_machine.travel(timezone.now() + privacy.SWEEP_PERIOD + timedelta(seconds=1)):
        tasks.finish_erasures()

    assert traces_of(KEY) == []
    logs = [web_log, worker_log, *(settings.STATE_DIR / "logs").glob("*")]
    assert any(b"400" in log.read_bytes() for log in logs), "something is logged"
    for log in logs:
        lines = [line for line in log.read_text(errors="replace").splitlines() if is_written_in(line, KEY)]
        assert lines == [], log
