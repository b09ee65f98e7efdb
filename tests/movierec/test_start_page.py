"""What the port answers before the web processes are there, and how it is handed on to them."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from infrastructure.addresses import Address
from movierec.local.start_page import StartPage
from tests.support.launcher import ROOT, RunningSystem, free_port
from tests.support.workers import wait_until

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
# A web process in small: gunicorn on the open file of the port, with an application that says its name.
WEB = [sys.executable, "-m", "gunicorn", "-c", "movierec/gunicorn.py", "tests.movierec.test_start_page:application"]


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the web process"]


@pytest.fixture
def page():
    page = StartPage(Address("127.0.0.1", free_port()))
    page.open()
    yield page
    page.close()


def send(page, path, method="GET", body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", page.address.port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def test_a_browser_sees_the_progress(page):
    page.note("postgres and valkey up")
    page.note("training <the model>")
    status, headers, text = send(page, "/admin/", Accept=BROWSER)
    assert (status, headers["Retry-After"], headers.get_content_type()) == (503, "2", "text/html")
    assert "<li>postgres and valkey up</li>\n<li>training &lt;the model&gt;</li>" in text
    assert 'http-equiv="refresh"' in text


def test_it_leaves_the_processor_to_the_training_while_nobody_calls(page):
    before = time.process_time()
    time.sleep(1)
    assert time.process_time() - before < 0.5, "it spins"


@pytest.mark.parametrize(("method", "path"), [("GET", "/recommend?user_id=7"), ("POST", "/events"), ("PUT", "/x")])
def test_a_call_is_told_to_come_again(page, method, path):
    page.note("--- tables".removeprefix("---"))
    body = None if method == "GET" else json.dumps({"user_id": 7, "note": "x" * 100_000})
    status, headers, text = send(page, path, method, body)
    problem = json.loads(text)
    assert (status, headers["Retry-After"], headers.get_content_type()) == (503, "2", "application/problem+json")
    assert (problem["code"], problem["instance"]) == ("starting", path.split("?")[0])
    assert problem["detail"] == "movierec is starting: tables. Send the same request again in a moment."


def test_health_says_that_the_process_lives_and_is_not_ready(page):
    page.note("training the model")
    status, _, text = send(page, "/health/live")
    assert (status, json.loads(text)) == (200, {"status": "live"})
    status, headers, text = send(page, "/health/ready")
    assert (status, headers["Retry-After"]) == (503, "2")
    assert json.loads(text)["parts"] == {"start": "training the model"}


def test_a_head_request_and_a_client_that_goes_away(page):
    status, headers, text = send(page, "/", "HEAD", Accept=BROWSER)
    assert (status, text) == (503, "")
    assert int(headers["Content-Length"]) > 100
    with socket.create_connection(page.address) as gone:
        gone.sendall(b"POST /events HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{")
    assert send(page, "/health/live")[0] == 200


def test_a_taken_port_is_an_error():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match="in use"):
            StartPage(Address(*other.getsockname()))


def test_no_call_is_refused_while_the_port_is_handed_on(page):
    """Clients call all the time; each gets the page or the web process, and from some moment on only that."""
    assert not page.is_handed_over()
    answers, done = [], threading.Event()

    def call():
        while not done.is_set():
            answers.append((time.monotonic(), send(page, "/health/live")[2]))

    with ThreadPoolExecutor(3) as clients:
        calls = [clients.submit(call) for _ in range(3)]
        listen_fd = page.listener.fileno()
        env = os.environ | {"MOVIEREC_LISTEN_FD": str(listen_fd), "MOVIEREC_WEB_WORKERS": "1"}
        web = subprocess.Popen(WEB, cwd=ROOT, env=env, pass_fds=(listen_fd,))
        try:
            wait_until(page.is_handed_over, 120)
            handed_over_at = time.monotonic()
            time.sleep(1)
            done.set()
            for one in calls:
                one.result(30)
        finally:
            done.set()
            web.terminate()
            web.wait(30)
    assert {text for _, text in answers} == {'{"status": "live"}', "the web process"}
    assert {text for moment, text in answers if moment > handed_over_at + 0.5} == {"the web process"}


@pytest.mark.slow
def test_the_port_answers_while_the_first_start_goes_on(state):
    """On the real launcher: a page from the first second, with each step, and then the site; no call is refused."""
    with RunningSystem(state, "--empty") as system:
        began, seen = time.monotonic(), []
        while (answer := system.get("/health/ready"))[0] != 200:
            seen.append((time.monotonic() - began, answer))
            assert system.process.poll() is None, system.output_text()
            assert seen[-1][0] < 600, system.output_text()
            time.sleep(0.02)
        system.wait_for_output("Ctrl-C stops everything", 300)
    first = next(moment for moment, (status, _) in seen if status)
    assert first < 5, "a quiet machine: under one"
    assert not [answer for moment, answer in seen if moment > first and answer[0] != 503]
    steps = {json.loads(body)["parts"].get("start") for _, (status, body) in seen if status}
    assert "tables" in steps
