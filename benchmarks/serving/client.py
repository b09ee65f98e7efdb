"""A client that costs little itself: requests made ready beforehand, over connections that are kept."""

import json
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

TIMEOUT = 60.0  # seconds
QUERY_COUNT_HEADER = "X-Count-Queries"  # the server tells how many queries it made for a request that has this header


class Server(NamedTuple):
    host: str
    port: int
    key: str  # an API key

    def request(self, method: str, path: str, body: Any = None) -> bytes:
        data = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}", f"Authorization: Api-Key {self.key}"]
        lines += [f"Content-Type: application/json\r\nContent-Length: {len(data)}"] if data else []
        return "\r\n".join([*lines, "", ""]).encode() + data


def with_query_count(request: bytes) -> bytes:
    """The same request, asking how many queries it made."""
    line, rest = request.split(b"\r\n", 1)
    return line + b"\r\n" + f"{QUERY_COUNT_HEADER}: 1\r\n".encode() + rest


class Response(NamedTuple):
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One at a time: a request goes out when the answer before it is here."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._open()

    def _open(self) -> None:
        self.socket = socket.create_connection((self.server.host, self.server.port), TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def send(self, request: bytes) -> Response:
        self.socket.sendall(request)
        status = self.reader.readline()
        headers = {}
        while line := self.reader.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        answer = Response(int(status.split()[1]), headers, self.reader.read(int(headers["content-length"])))
        if headers.get("connection") == "close":
            self.close()
            self._open()
        return answer

    def close(self) -> None:
        self.reader.close()
        self.socket.close()


@dataclass
class LoadResult:
    """What came of driving the server."""

    seconds: float  # from the first request to the last answer
    milliseconds: list[float] = field(default_factory=list)  # of each answer of status 200
    refused: int = 0  # answered 503
    lists: dict[bytes, list[tuple[str, float]]] = field(default_factory=dict)  # what was recommended, by request
    failed: list[str] = field(default_factory=list)  # what else came


def drive_load(
    server: Server,
    requests: Sequence[bytes],
    connections: int,
    *,
    keep_lists: bool = False,
    honour_retry_after: bool = False,
) -> LoadResult:
    """Sends all requests over so many connections at once, each as fast as it is answered; `keep` keeps the lists.
    `patient`: a connection that was refused is silent for as long as the answer told."""
    load, lock, waiting = LoadResult(0.0), threading.Lock(), iter(requests)

    def work() -> None:
        connection = Connection(server)
        while True:
            with lock:
                request = next(waiting, None)
            if request is None:
                break
            started = time.perf_counter()
            answer = connection.send(request)
            took = 1000 * (time.perf_counter() - started)
            if honour_retry_after and answer.status == 503:
                time.sleep(float(answer.headers["retry-after"]))
            with lock:
                if answer.status == 200:
                    load.milliseconds.append(took)
                    if keep_lists:
                        films = answer.json()["recommendations"]
                        load.lists[request] = [(film["movie_id"], film["score"]) for film in films]
                elif answer.status == 503:
                    load.refused += 1
                else:
                    load.failed.append(f"{answer.status} {answer.body[:200].decode(errors='replace')}")
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.seconds = time.perf_counter() - started
    return load
