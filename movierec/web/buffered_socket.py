"""A client's connection that no thread waits for.

The event loop reads a request whole before a thread gets it, and sends the rest of an answer to a slow reader after the
thread is free again.
"""

import errno
import select
import socket
import time
from collections import deque
from itertools import islice
from tempfile import SpooledTemporaryFile
from urllib.parse import unquote_to_bytes

from gunicorn.util import split_request_uri

from infrastructure.body_limits import max_body_bytes

MAX_MEMORY_BYTES = 32 * 1024  # of a request; a longer one lies in a file without a name
MAX_HEADER_BYTES = 64 * 1024  # of request line and headers; gunicorn's parser has finer limits
CHUNK_BYTES = 64 * 1024  # read at once
MAX_CHUNKS = 64  # parts of an answer sent at once
MIN_RATE = 32 * 1024  # bytes per second that earn a body or an answer more time
MAX_UNSENT_BYTES = 6 * 1024 * 1024  # more than any static file has; a longer stream waits for its reader
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class RequestRefused(Exception):
    """The request is not read any further; `status` is its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class BufferedSocket(socket.socket):
    """A blocking socket to gunicorn's parser and response, but neither recv nor a send of one answer ever waits.

    The event loop calls `receive` and `flush`, the thread that works on the request `recv` and `sendall`: never both at
    a time.
    """

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        super().setblocking(False)
        self._send_queue: deque[memoryview] = deque()
        self.unsent_bytes = 0
        self._untried_bytes = 0  # since the last try to send
        self._surplus = b""  # of the next request, which came right behind this one
        self._request: SpooledTemporaryFile[bytes] | None = None
        self.start_request()

    def start_request(self) -> None:
        """Forget the request that was answered."""
        self._drop_request()
        self._head = bytearray()
        self.path = ""
        self.received_bytes = 0  # of this request
        self._expected_bytes: int | None = None  # of all of it; None: its headers are not complete
        self.started_at = time.monotonic()
        self.expects_continue = False  # the client waits for leave to send the body
        self.body_is_complete = True  # the parser finds the body that the headers announce

    def _drop_request(self) -> None:
        if self._request is not None:
            self._request.close()
            self._request = None

    # --- the event loop's side ------------------------------------------------------------------------------------
    @property
    def has_headers(self) -> bool:
        """Return whether the headers of the request are complete."""
        return self._expected_bytes is not None

    def receive(self) -> bool:
        """Read what came and return whether the request is complete.

        Raises RequestRefused, BlockingIOError where nothing came, ConnectionError where the client left, OSError where
        the disk has no room for the body.
        """
        if self._surplus:
            piece, self._surplus = self._surplus, b""
        else:
            piece = super().recv(CHUNK_BYTES)
            if not piece:
                raise ConnectionResetError(errno.ECONNRESET, "the client left")
        if self._request is None:
            self._head += piece
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                self.received_bytes = len(self._head)
                if self.received_bytes > MAX_HEADER_BYTES:
                    raise RequestRefused(431)
                return False
            piece = bytes(self._head)
            self._parse_headers(piece[:end])
            self._expected_bytes, self.received_bytes = end + 4 + self._body_bytes, 0
            self._request = SpooledTemporaryFile(MAX_MEMORY_BYTES)  # noqa: SIM115 - until the next request begins
        assert self._expected_bytes is not None
        room = self._expected_bytes - self.received_bytes
        self._request.write(piece[:room])
        self.received_bytes += len(piece[:room])
        self._surplus += piece[room:]
        if self.received_bytes < self._expected_bytes:
            return False
        self._request.seek(0)
        return True

    def _parse_headers(self, head: bytes) -> None:
        """Set the path and the body's length. A request that gunicorn refuses has no body here: it gets the headers."""
        first, *lines = head.split(b"\r\n")
        parts = first.split(b" ")
        self.path = _path_of_target(parts[1]) if len(parts) > 1 else ""
        fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
        lengths = [value for name, value in fields if name == b"content-length"]
        by_pieces = any(name == b"transfer-encoding" for name, _ in fields)
        known = len(lengths) == 1 and lengths[0].isdigit() and len(lengths[0]) < 20 and not by_pieces
        length = int(lengths[0]) if known else 0
        self._body_bytes = (
            length if length <= max_body_bytes(self.path) else 0
        )  # one that is too large is refused unread
        self.body_is_complete = length == self._body_bytes and (known or not (lengths or by_pieces))
        self.expects_continue = self._body_bytes > 0 and (b"expect", b"100-continue") in [
            (n, v.lower()) for n, v in fields
        ]

    def allow_body(self) -> None:
        """Tell the client, once, to send the body."""
        if self.expects_continue:
            self.expects_continue = False
            self.sendall(CONTINUE)

    def flush(self) -> bool:
        """Send what the client takes and return whether everything is sent. Raises OSError."""
        while self._send_queue:
            try:
                sent = super().sendmsg(list(islice(self._send_queue, MAX_CHUNKS)))
            except BlockingIOError:
                return False
            self.unsent_bytes -= sent
            while self._send_queue and sent >= len(self._send_queue[0]):
                sent -= len(self._send_queue.popleft())
            if sent:
                self._send_queue[0] = self._send_queue[0][sent:]
        return True

    def discard(self) -> bool:
        """Read and drop what comes; return whether the client has closed its side. Raises OSError."""
        return not super().recv(CHUNK_BYTES)

    # --- the side of the thread, which is gunicorn's ----------------------------------------------------------------
    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return the next bytes of the request; its end looks as if the client had closed its side."""
        return self._request.read(size) if self._request is not None else b""

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]
        """Send as `sendall` does and return the number of bytes."""
        if data != CONTINUE:  # gunicorn's leave to send what is here already
            self.sendall(data)
        return len(data)

    def sendall(self, data: bytes, flags: int = 0) -> None:  # type: ignore[override]
        """Send what the client takes now and keep the rest.

        Raises ConnectionResetError for a reader that is too slow for a stream.
        """
        if self.unsent_bytes > MAX_UNSENT_BYTES:
            self._wait_for_reader()
        piece = memoryview(data)
        if not len(piece):
            return
        self._send_queue.append(piece)
        self.unsent_bytes += len(piece)
        self._untried_bytes += len(piece)
        if (
            self.unsent_bytes == len(piece) or self._untried_bytes >= CHUNK_BYTES
        ):  # what is behind something unsent can wait for more
            self._untried_bytes = 0
            self.flush()

    def _wait_for_reader(self) -> None:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLOUT)
        deadline = time.monotonic() + self.send_timeout
        while self.unsent_bytes > MAX_UNSENT_BYTES // 2:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ConnectionResetError(errno.ECONNRESET, "the client reads too slowly")
            poll.poll(left * 1000)  # milliseconds
            self.flush()

    send_timeout = 30.0  # for half of MOST_UNSENT

    def setblocking(self, flag: bool) -> None:
        """Change nothing: neither side ever waits in this socket."""

    def settimeout(self, value: float | None) -> None:
        """Change nothing: neither side ever waits in this socket."""

    def close(self) -> None:
        """Close the connection and drop what was not sent."""
        self._drop_request()
        self._send_queue.clear()
        super().close()


def _path_of_target(target: bytes) -> str:
    """Return the path as the views see it, also where the target is a whole URL."""
    try:
        return unquote_to_bytes(split_request_uri(target.decode("latin-1")).path or "").decode("latin-1")
    except ValueError:  # no address at all: gunicorn refuses it
        return ""
