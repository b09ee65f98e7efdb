"""gunicorn's threaded worker, in which a thread is taken by whole requests alone.

The event loop reads requests and sends answers, each with a deadline. Two hundred clients that drip a byte a second, or
never read, hold two hundred sockets and not one thread. Where there is no room for another connection, the one that
has waited longest of the address that has most is closed.
"""

import errno
import resource
import selectors
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import IntEnum
from http import HTTPStatus
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from movierec import web_limits
from movierec.buffered_socket import LEAST_RATE, BufferedSocket, Refused

HEALTH_THREADS = 4  # of their own: who watches is answered however busy the others are
FILES = 65_536  # that a process may have open, where the system lets it
SPARE_FILES = 200  # open files of a process that are no connections
SPARE = 8  # connections below the limit at which one is closed for the next
LINGER_SECONDS = 2.0  # after the last byte of an answer, for a client that is still sending
SWEEP_SECONDS = 0.5
MOST_HELD = 512 * 1024 * 1024  # bytes of requests that are not complete, in one process
MOST_UNSENT = 128 * 1024 * 1024  # bytes of answers that readers have not taken, in one process


class Stage(IntEnum):
    """What a connection that no thread works on is waiting for. The lowest is closed first where room is needed."""

    LINGERING = 0  # for the client to close
    IDLE = 1  # for another request
    READING = 2  # for the rest of a request
    SENDING = 3  # for the client to take the answer


class Connection(TConn):
    sock: BufferedSocket

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.data_ready = True  # a thread gets it when the request is here
        self.stage = Stage.READING
        self.since = time.monotonic()
        self.keep = False  # for another request

    @property
    def address(self) -> str:
        return str(self.client[0]) if isinstance(self.client, tuple) else ""


class WebWorker(ThreadWorker):
    worker_connections: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.watched: dict[Connection, None] = {}
        self.swept = 0.0

    def init_process(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        files = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
        self.worker_connections = max(32, min(self.worker_connections, files - SPARE_FILES))
        self.health_pool = ThreadPoolExecutor(HEALTH_THREADS, thread_name_prefix="health")
        BufferedSocket.send_seconds = web_limits.BODY_SECONDS
        super().init_process()

    # --- connections come and wait ----------------------------------------------------------------------------------
    def accept(self, listener: Any) -> None:
        if self.nr_conns >= self.worker_connections - SPARE:
            self.make_room()
        try:
            taken, client = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self.make_room()
                time.sleep(0.01)  # the listener stays readable: do not spin where nothing could be closed
            elif error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        connection = Connection(self.cfg, BufferedSocket(taken), client, listener.getsockname())
        self.watch(connection, Stage.READING, web_limits.HEADER_SECONDS)
        self.read(connection)  # mostly the request is here

    def watch(self, connection: Connection, stage: Stage, seconds: float) -> None:
        connection.stage, connection.since = stage, time.monotonic()
        connection.timeout = connection.since + seconds
        events = selectors.EVENT_WRITE if stage is Stage.SENDING else selectors.EVENT_READ
        act: dict[Stage, Callable[[Connection], None]] = {
            Stage.LINGERING: self.discard,
            Stage.IDLE: self.read,
            Stage.READING: self.read,
            Stage.SENDING: self.send,
        }
        change = self.poller.modify if connection in self.watched else self.poller.register

        def wake(_: object) -> None:
            if connection in self.watched:  # another's event of the same turn may have closed it
                act[stage](connection)

        change(connection.sock, events, wake)
        self.watched[connection] = None

    def unwatch(self, connection: Connection) -> None:
        if connection in self.watched:
            del self.watched[connection]
            self.poller.unregister(connection.sock)

    def drop(self, connection: Connection) -> None:
        """Closes it at once."""
        self.unwatch(connection)
        self.nr_conns -= 1
        connection.close()

    # --- a request comes --------------------------------------------------------------------------------------------
    def read(self, connection: Connection) -> None:
        sock = connection.sock
        try:
            complete = sock.arrive()
            sock.allow_body()
        except BlockingIOError:
            return
        except Refused as refused:
            self.refuse(connection, refused.status)
        except ConnectionError:
            self.drop(connection)
        except OSError:  # a full disk: there is no room for the body
            self.refuse(connection, 503)
        else:
            if complete:
                self.unwatch(connection)
                self.enqueue_req(connection)
            else:
                self.wait_on(connection)

    def wait_on(self, connection: Connection) -> None:
        """Gives the headers their time, and a body its own, which grows with what comes."""
        sock = connection.sock
        if connection.stage is Stage.IDLE:
            sock.began = time.monotonic()
            self.watch(connection, Stage.READING, web_limits.HEADER_SECONDS)
        if sock.has_head:
            connection.timeout = sock.began + web_limits.BODY_SECONDS + sock.held / LEAST_RATE

    def refuse(self, connection: Connection, status: int) -> None:
        """Answers without a thread, and ends the connection."""
        phrase = HTTPStatus(status).phrase
        again = "Retry-After: 1\r\n" if status == 503 else ""
        head = f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Length: 0\r\n{again}\r\n"
        connection.keep = False
        try:
            connection.sock.sendall(head.encode())
        except OSError:
            self.drop(connection)
        else:
            self.answered(connection)

    def enqueue_req(self, connection: Connection) -> None:
        pool = self.health_pool if connection.sock.path.startswith("/health/") else self.tpool
        done = pool.submit(self.handle, connection)
        done.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, connection, future))

    def handle_request(self, req: Any, conn: Connection) -> Any:
        if not conn.sock.whole:
            req.force_close()  # and the answer says so: what comes of that body must not be taken for a request
        return super().handle_request(req, conn)

    # --- an answer goes ---------------------------------------------------------------------------------------------
    def finish_request(self, connection: Connection, done: "Future[Any]") -> None:
        """Takes the connection back from its thread."""
        if connection.sock.fileno() < 0:  # closed in the midst of an answer that failed
            self.nr_conns -= 1
            return
        well = not done.cancelled() and done.exception() is None and bool(done.result())
        # Bytes that the parser left belong to nothing: it took the request for shorter than it was read here.
        connection.keep = well and not connection.parser.unreader.buf.getvalue()
        self.answered(connection)

    def answered(self, connection: Connection) -> None:
        try:
            gone = connection.sock.flush()
            if not gone:
                self.watch(connection, Stage.SENDING, web_limits.BODY_SECONDS)
            elif connection.keep:
                self.await_next(connection)
            else:
                connection.sock.shutdown(1)  # SHUT_WR: the client sees the end, and what it still sends is no error
                self.watch(connection, Stage.LINGERING, LINGER_SECONDS)
        except OSError:
            self.drop(connection)

    def send(self, connection: Connection) -> None:
        before = connection.sock.unsent
        try:
            gone = connection.sock.flush()
        except OSError:
            self.drop(connection)
        else:
            connection.timeout += (before - connection.sock.unsent) / LEAST_RATE
            if gone:
                self.answered(connection)

    def await_next(self, connection: Connection) -> None:
        connection.sock.begin()
        linger = 2.0 if not self.alive else float(self.cfg.keepalive)
        self.watch(connection, Stage.IDLE, linger)
        self.read(connection)  # what came behind the last request makes the socket readable no more

    def discard(self, connection: Connection) -> None:
        try:
            if connection.sock.discard():
                self.drop(connection)
        except BlockingIOError:
            pass
        except OSError:
            self.drop(connection)

    # --- deadlines and room -----------------------------------------------------------------------------------------
    def murder_pending(self) -> None:
        """Ends what is over its time; called at each turn of gunicorn's loop."""
        now = time.monotonic()
        if now < self.swept + SWEEP_SECONDS:
            return
        self.swept = now
        for connection in [one for one in self.watched if one.timeout < now]:
            if connection.stage is Stage.READING and connection.sock.held:
                self.refuse(connection, 408)
            else:
                self.drop(connection)
        self.bound(MOST_HELD, lambda sock: sock.held, Stage.READING)
        self.bound(MOST_UNSENT, lambda sock: sock.unsent, Stage.SENDING)

    def bound(self, most: int, held: Callable[[BufferedSocket], int], stage: Stage) -> None:
        """Closes the oldest that hold something until all together hold no more than so many bytes."""
        total = sum(held(one.sock) for one in self.watched)
        for connection in sorted((one for one in self.watched if one.stage is stage), key=lambda one: one.since):
            if total <= most:
                return
            total -= held(connection.sock)
            self.drop(connection)

    def make_room(self) -> None:
        """Closes the connection that is missed least: one that waits for nothing, else the longest waiting one of the
        address that has most."""
        by_address = Counter(one.address for one in self.watched if one.stage >= Stage.READING)

        def missed(one: Connection) -> tuple[int, int, float]:
            waits_for_something = int(one.stage >= Stage.READING)
            return waits_for_something, -by_address[one.address] * waits_for_something, one.since

        if self.watched:
            self.drop(min(self.watched, key=missed))

    def murder_keepalived(self, force: bool = False) -> None:
        if force:
            for connection in list(self.watched):
                self.drop(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        for connection in self.watched:
            if connection.stage <= Stage.IDLE:
                connection.timeout = min(connection.timeout, deadline)
