"""What the port answers while the system starts: a page that shows the progress, and 503 to calls.

Standard library alone, so that it answers within the first second. The port is bound once, here, and handed on to the
web processes as an open file: from the moment they accept calls they answer, and no call is refused in between.
"""

import contextlib
import html
import http.client
import json
import select
import socket
import threading
import time
import uuid
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infrastructure.addresses import Address

# Name open files to gunicorn.py: the port, and a pipe whose other end is closed when the web processes may begin.
LISTEN_FD, WAIT_FD = "MOVIEREC_LISTEN_FD", "MOVIEREC_WAIT_FD"
RETRY_AFTER = 2  # seconds
MAX_LINES = 200  # of the progress
MAX_BODY = 2 << 20  # bytes of a request that are read to the end before it is answered
CLIENT_TIMEOUT = 5.0  # seconds
WAIT_SECONDS = 0.1  # for a call, before it looks whether a web process takes them
HANDOVER_SECONDS = 0.3  # that a web process is given to take a call before the page takes calls again
MARK = "X-Movierec-Starting"  # header of the page's answers, which tells them from a web process's
DETAIL = "movierec is starting: {step}. Send the same request again in a moment."


class StartPage:
    """The port of a system that starts. `note` tells it how far that is."""

    def __init__(self, address: Address) -> None:
        """Listen on the address. Raises OSError where that cannot be."""
        self.address, self.started_at = address, time.monotonic()
        self.lines: list[str] = []
        self._taking_calls, self._turn = threading.Event(), threading.Lock()
        self._closed = False
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self.listener = socket.socket(family)
        try:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(address)
            self.listener.listen(2048)
            self.listener.setblocking(False)  # a web process may take the call that both were woken for
        except OSError:
            self.listener.close()
            raise
        self._server = _Server(self)

    @property
    def step(self) -> str:
        """The line that was noted last."""
        return self.lines[-1] if self.lines else "the first step"

    def note(self, line: str) -> None:
        """Add a line to the progress."""
        if line := line.strip():
            self.lines = [*self.lines[1 - MAX_LINES :], line]

    def open(self) -> None:
        """Answer calls from now on, in a thread."""
        self._taking_calls.set()
        threading.Thread(target=self._serve, name="start-page", daemon=True).start()

    def _serve(self) -> None:
        while not self._closed:
            self._taking_calls.wait()
            with self._turn:
                if self._taking_calls.is_set() and not self._closed and self._is_called():
                    self._server.handle_request()

    def _is_called(self) -> bool:
        """Wait a moment for a call: `handle_request` does not, on a socket that does not block."""
        return bool(select.select([self.listener], [], [], WAIT_SECONDS)[0])

    def is_handed_over(self) -> bool:
        """Say whether a web process takes calls by now; the page takes none any more then."""
        if self._closed:
            return True
        self._taking_calls.clear()
        with self._turn:  # the call that it waits for
            pass
        if self._is_answered_by_another():
            self._closed = True
            self._taking_calls.set()  # the thread ends
            return True
        self._taking_calls.set()
        return False

    def _is_answered_by_another(self) -> bool:
        host = self.listener.getsockname()[0]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        connection = http.client.HTTPConnection(host, self.address.port, timeout=HANDOVER_SECONDS)
        try:
            connection.request("GET", "/health/live", headers={"Host": "localhost"})
            return connection.getresponse().headers.get(MARK) is None
        except OSError:
            return False
        finally:
            connection.close()

    def close(self) -> None:
        """Give the port back."""
        self._closed = True
        self._taking_calls.set()
        with self._turn:
            self.listener.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, page: StartPage) -> None:
        self.page = page
        super().__init__(page.address, _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = page.listener

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: the client is gone."""


class _Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_TIMEOUT
    server: _Server
    server_version, sys_version = "movierec", ""

    def answer(self) -> None:
        """Answer a request of any method."""
        with contextlib.suppress(ValueError):
            self.rfile.read(min(MAX_BODY, int(self.headers.get("Content-Length") or 0)))
        page, path = self.server.page, self.path.split("?")[0]
        if path == "/health/live":
            self._send(HTTPStatus.OK, "application/json", json.dumps({"status": "live"}))
        elif path == "/health/ready":
            parts = {"start": page.step}
            body: dict[str, Any] = {"status": "not ready", "parts": parts, "model_version": None, "warnings": []}
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "application/json", json.dumps(body))
        elif "text/html" in self.headers.get("Accept", ""):
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "text/html; charset=utf-8", _as_html(page))
        else:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "application/problem+json", self._problem(page.step, path))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def _problem(self, step: str, path: str) -> str:
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return json.dumps(
            {
                "type": "about:blank",
                "title": status.phrase,
                "status": int(status),
                "detail": DETAIL.format(step=step),
                "instance": path,
                "request_id": uuid.uuid4().hex,
                "code": "starting",
            }
        )

    def _send(self, status: HTTPStatus, content_type: str, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header(MARK, "1")
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "private, no-store")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("X-Content-Type-Options", "nosniff")
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", str(RETRY_AFTER))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing: the terminal is for the progress."""


def _as_html(page: StartPage) -> str:
    seconds = time.monotonic() - page.started_at
    lines = "\n".join(f"<li>{html.escape(line)}</li>" for line in page.lines)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="1"><title>movierec is starting</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 45rem; margin: 10vh auto; padding: 0 1rem }}
ol {{ list-style: none; padding: 0; font: 0.875rem/1.6 ui-monospace, monospace; overflow-wrap: anywhere }}
li:last-child {{ font-weight: bold }}
</style></head>
<body><main><h1>movierec is starting</h1>
<p role="status">{seconds:.0f} seconds so far. This page loads itself again until the system is ready. The first start
trains a first model.</p>
<ol>
{lines}
</ol></main></body></html>
"""
