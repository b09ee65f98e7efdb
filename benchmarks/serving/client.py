"""A cheap HTTP client: prepared requests over keep-alive connections."""

import json
import re
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

TIMEOUT = 60.0  # seconds
DEGRADED = re.compile(rb'"degraded": ?true')
QUERY_COUNT_HEADER = (
    "X-Count-Queries"  # of a request: the response has the number of database queries in the same header
)


class Server(NamedTuple):
    """The address of the API and a key for it."""

    host: str
    port: int
    key: str  # an API key

    def request(self, method: str, path: str, body: Any = None) -> bytes:
        """Return the bytes of a request with a JSON body."""
        data = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}", f"Authorization: Api-Key {self.key}"]
        lines += [f"Content-Type: application/json\r\nContent-Length: {len(data)}"] if data else []
        return "\r\n".join([*lines, "", ""]).encode() + data


def with_query_count(request: bytes) -> bytes:
    """Return the same request with the header that asks for the number of queries."""
    line, rest = request.split(b"\r\n", 1)
    return line + b"\r\n" + f"{QUERY_COUNT_HEADER}: 1\r\n".encode() + rest


class Response(NamedTuple):
    """A response as it came."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        """Return the body, parsed."""
        return json.loads(self.body)


class Connection:
    """A keep-alive connection, one request at a time."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._open()

    def _open(self) -> None:
        self.socket = socket.create_connection((self.server.host, self.server.port), TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def send(self, request: bytes) -> Response:
        """Send a request and return the response; reconnect where the server closes."""
        self.socket.sendall(request)
        status = self.reader.readline()
        headers = {}
        while line := self.reader.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        response = Response(int(status.split()[1]), headers, self.reader.read(int(headers["content-length"])))
        if headers.get("connection") == "close":
            self.close()
            self._open()
        return response

    def close(self) -> None:
        """Close the connection."""
        self.reader.close()
        self.socket.close()


@dataclass
class LoadResult:
    """The outcome of driving the server."""

    seconds: float  # from the first request to the last response
    milliseconds: list[float] = field(default_factory=list)  # of each response of status 200
    degraded: int = 0  # of these, responses that say that they are less than asked for
    refused: int = 0  # responses of status 503
    lists: dict[bytes, list[tuple[str, float]]] = field(default_factory=dict)  # movie ids and scores by request
    failed: list[str] = field(default_factory=list)  # messages of all other responses


def drive_load(
    server: Server,
    requests: Sequence[bytes],
    connections: int,
    *,
    keep_lists: bool = False,
    honour_retry_after: bool = False,
) -> LoadResult:
    """Send all requests over several connections at once, each as fast as responses come. `keep_lists` stores the
    lists; with `honour_retry_after` a connection waits after a 503 as long as Retry-After says."""
    load, lock, remaining = LoadResult(0.0), threading.Lock(), iter(requests)

    def work() -> None:
        connection = Connection(server)
        while True:
            with lock:
                request = next(remaining, None)
            if request is None:
                break
            started = time.perf_counter()
            response = connection.send(request)
            milliseconds = 1000 * (time.perf_counter() - started)
            if honour_retry_after and response.status == 503:
                time.sleep(float(response.headers["retry-after"]))
            with lock:
                if response.status == 200:
                    load.milliseconds.append(milliseconds)
                    load.degraded += DEGRADED.search(response.body) is not None
                    if keep_lists:
                        movies = response.json()["recommendations"]
                        load.lists[request] = [(movie["movie_id"], movie["score"]) for movie in movies]
                elif response.status == 503:
                    load.refused += 1
                else:
                    load.failed.append(f"{response.status} {response.body[:200].decode(errors='replace')}")
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.seconds = time.perf_counter() - started
    return load
