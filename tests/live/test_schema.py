"""Schemathesis against the running server: no answer outside the schema, no 500."""

import http.client
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

# What a file means, where a page ended, which of two moments is later, whether two ids are one viewer, which characters
# print and what an address on the web is no schema says.
BEYOND_SCHEMAS = (
    *(
        f"GET /{name}"
        for name in ("recommend", "home", "popular", "trending", "latest", "genres", "similar/{movie_id}")
    ),
    *(f"POST /{name}" for name in ("recommend", "recommend/filtered", "similar", "events", "viewer-tokens")),
    "DELETE /users/{user_id}/events",
    *(f"{method} /users/{{user_id}}" for method in ("GET", "PUT", "PATCH")),
    *(f"GET /users/{{user_id}}/{name}" for name in ("history", "ratings", "watchlist", "hidden", "taste")),
    "GET /accounts/{account}/profiles",
    "DELETE /accounts/{account}/data",
    "GET /insights",
    "GET /people",
    "POST /imports/{kind}",
    "POST /users/merge",
    "POST /users/{user_id}/history",
    "GET /movies",
    "POST /movies",
    "GET /movies/{movie_id}",
    "PATCH /movies/{movie_id}",
)
# `?cursor=` with nothing behind counts as not given; a row of a history that is no film is told as unmatched.
LENIENT = ("GET /people", "GET /movies", "POST /users/{user_id}/history")
SYSTEM = "GET /health/system"  # 503 where a part is red: no worker runs beside this test


def _settings(operation: str) -> str:
    lines = [f'[[operations]]\ninclude-name = "{operation}"']
    if operation in BEYOND_SCHEMAS:
        accepted = ["2xx", "304", "400", "401", "403", "404", "409", "413", "429"]
        lines.append(f"checks.positive_data_acceptance.expected-statuses = {accepted}")
    if operation in LENIENT:
        lines.append('checks.negative_data_rejection.expected-statuses = ["2xx", "4xx"]')
    if operation == SYSTEM:
        lines.append("checks.not_a_server_error.enabled = false")
    return "\n".join(lines)


CONFIG = """[checks]
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "414", "415", "429"]
""" + "\n".join(map(_settings, dict.fromkeys((*BEYOND_SCHEMAS, SYSTEM))))
PHASES = ("examples", "coverage", "fuzzing", "stateful")


UNREAD = [
    (b"GET /popular?exclude=" + b"1," * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414, "address_too_long"),
    (b"GET /popular HTTP/1.1\r\nX: " + b"x" * 70_000, 431, "headers_too_large"),
    (b"GET /popular HTTP/1.1\r\n" + b"X: x\r\n" * 200 + b"\r\n", 431, "headers_too_large"),
    (b"GET /popular HTTP/1.1\r\nHost: localhost\r\nX <b>\r\n\r\n", 400, "bad_request"),
    (b"GET /popular HTTP/7.7\r\nHost: localhost\r\n\r\n", 400, "bad_request"),
    (b"\x16\x03\x01\x02\r\n\r\n", 400, "bad_request"),
]


@pytest.mark.parametrize(("sent", "status", "code"), UNREAD)
def test_a_request_that_no_view_sees_is_refused_as_a_problem(live, sent, status, code):
    with socket.create_connection(("127.0.0.1", live.port), timeout=30) as one:
        one.sendall(sent)
        answer = http.client.HTTPResponse(one)
        answer.begin()
        body = json.loads(answer.read())
    assert (answer.status, body["status"], body["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-ID"] == body["request_id"]
    assert body["detail"].endswith(".") or code == "bad_request"


@pytest.mark.parametrize(
    ("phases", "examples"),
    [("examples,fuzzing", 5), *(pytest.param(phase, 40, marks=pytest.mark.slow) for phase in PHASES)],
)
def test_whatever_the_schema_allows_or_forbids_is_answered_as_it_says(live, phases, examples, tmp_path):
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    words = [
        Path(sys.executable).with_name("st"),
        "run",
        f"{live.url}/schema?format=json",
        *(
            "--url",
            live.url,
            "--seed",
            "1",
            "--continue-on-failure",
            "--phases",
            phases,
            "--max-examples",
            str(examples),
        ),
        *("-H", f"Authorization: Api-Key {live.key}", "--request-timeout", "30"),
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=3600, cwd=tmp_path)
    failures = done.stdout.partition("FAILURES ==")[2] or done.stdout[-5000:]
    assert done.returncode == 0, "\n".join(line[:500] for line in failures.splitlines())
