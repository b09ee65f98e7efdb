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

from movierec.web import client_timeouts
from movierec.web.buffered_socket import MIN_RATE, BufferedSocket, RequestRefused

HEALTH_THREADS = 4  # of their own: who watches is answered however busy the others are
MAX_OPEN_FILES = 65_536  # that a process may have open, where the system lets it
RESERVED_FILES = 200  # open files of a process that are no connections
SPARE_CONNECTIONS = 8  # connections below the limit at which one is closed for the next
LINGER_SECONDS = 2.0  # after the last byte of an answer, for a client that is still sending
SWEEP_SECONDS = 0.5
MAX_PENDING_BYTES = 512 * 1024 * 1024  # bytes of requests that are not complete, in one process
MAX_UNSENT_BYTES = 128 * 1024 * 1024  # bytes of answers that readers have not taken, in one process


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
        self.waiting_since = time.monotonic()
        self.reusable = False  # for another request

    @property
    def address(self) -> str:
        return str(self.client[0]) if isinstance(self.client, tuple) else ""


class WebWorker(ThreadWorker):
    worker_connections: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.polled: dict[Connection, None] = {}
        self.last_sweep = 0.0

    def init_process(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        files = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
        self.worker_connections = max(32, min(self.worker_connections, files - RESERVED_FILES))
        self.health_pool = ThreadPoolExecutor(HEALTH_THREADS, thread_name_prefix="health")
        BufferedSocket.send_timeout = client_timeouts.BODY_SECONDS
        super().init_process()

    # --- connections come and wait ----------------------------------------------------------------------------------
    def accept(self, listener: Any) -> None:
        if self.nr_conns >= self.worker_connections - SPARE_CONNECTIONS:
            self.evict_connection()
        try:
            taken, client = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self.evict_connection()
                time.sleep(0.01)  # the listener stays readable: do not spin where nothing could be closed
            elif error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        connection = Connection(self.cfg, BufferedSocket(taken), client, listener.getsockname())
        self.poll(connection, Stage.READING, client_timeouts.HEADER_SECONDS)
        self.read(connection)  # mostly the request is here

    def poll(self, connection: Connection, stage: Stage, seconds: float) -> None:
        connection.stage, connection.waiting_since = stage, time.monotonic()
        connection.timeout = connection.waiting_since + seconds
        events = selectors.EVENT_WRITE if stage is Stage.SENDING else selectors.EVENT_READ
        act: dict[Stage, Callable[[Connection], None]] = {
            Stage.LINGERING: self.discard,
            Stage.IDLE: self.read,
            Stage.READING: self.read,
            Stage.SENDING: self.send,
        }
        change = self.poller.modify if connection in self.polled else self.poller.register

        def wake(_: object) -> None:
            if connection in self.polled:  # another's event of the same turn may have closed it
                act[stage](connection)

        change(connection.sock, events, wake)
        self.polled[connection] = None

    def stop_polling(self, connection: Connection) -> None:
        if connection in self.polled:
            del self.polled[connection]
            self.poller.unregister(connection.sock)

    def drop(self, connection: Connection) -> None:
        """Closes it at once."""
        self.stop_polling(connection)
        self.nr_conns -= 1
        connection.close()

    # --- a request comes --------------------------------------------------------------------------------------------
    def read(self, connection: Connection) -> None:
        sock = connection.sock
        try:
            complete = sock.receive()
            sock.allow_body()
        except BlockingIOError:
            return
        except RequestRefused as refused:
            self.refuse(connection, refused.status)
        except ConnectionError:
            self.drop(connection)
        except OSError:  # a full disk: there is no room for the body
            self.refuse(connection, 503)
        else:
            if complete:
                self.stop_polling(connection)
                self.enqueue_req(connection)
            else:
                self.extend_deadline(connection)

    def extend_deadline(self, connection: Connection) -> None:
        """Gives the headers their time, and a body its own, which grows with what comes."""
        sock = connection.sock
        if connection.stage is Stage.IDLE:
            sock.started_at = time.monotonic()
            self.poll(connection, Stage.READING, client_timeouts.HEADER_SECONDS)
        if sock.has_headers:
            connection.timeout = sock.started_at + client_timeouts.BODY_SECONDS + sock.received_bytes / MIN_RATE

    def refuse(self, connection: Connection, status: int) -> None:
        """Answers without a thread, and ends the connection."""
        phrase = HTTPStatus(status).phrase
        again = "Retry-After: 1\r\n" if status == 503 else ""
        head = f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Length: 0\r\n{again}\r\n"
        connection.reusable = False
        try:
            connection.sock.sendall(head.encode())
        except OSError:
            self.drop(connection)
        else:
            self.finish_answer(connection)

    def enqueue_req(self, connection: Connection) -> None:
        pool = self.health_pool if connection.sock.path.startswith("/health/") else self.tpool
        done = pool.submit(self.handle, connection)
        done.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, connection, future))

    def handle_request(self, req: Any, conn: Connection) -> Any:
        if not conn.sock.body_is_complete:
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
        connection.reusable = well and not connection.parser.unreader.buf.getvalue()
        self.finish_answer(connection)

    def finish_answer(self, connection: Connection) -> None:
        try:
            gone = connection.sock.flush()
            if not gone:
                self.poll(connection, Stage.SENDING, client_timeouts.BODY_SECONDS)
            elif connection.reusable:
                self.wait_for_next_request(connection)
            else:
                connection.sock.shutdown(1)  # SHUT_WR: the client sees the end, and what it still sends is no error
                self.poll(connection, Stage.LINGERING, LINGER_SECONDS)
        except OSError:
            self.drop(connection)

    def send(self, connection: Connection) -> None:
        before = connection.sock.unsent_bytes
        try:
            gone = connection.sock.flush()
        except OSError:
            self.drop(connection)
        else:
            connection.timeout += (before - connection.sock.unsent_bytes) / MIN_RATE
            if gone:
                self.finish_answer(connection)

    def wait_for_next_request(self, connection: Connection) -> None:
        connection.sock.start_request()
        linger = 2.0 if not self.alive else float(self.cfg.keepalive)
        self.poll(connection, Stage.IDLE, linger)
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
        if now < self.last_sweep + SWEEP_SECONDS:
            return
        self.last_sweep = now
        for connection in [one for one in self.polled if one.timeout < now]:
            if connection.stage is Stage.READING and connection.sock.received_bytes:
                self.refuse(connection, 408)
            else:
                self.drop(connection)
        self.limit_bytes(MAX_PENDING_BYTES, lambda sock: sock.received_bytes, Stage.READING)
        self.limit_bytes(MAX_UNSENT_BYTES, lambda sock: sock.unsent_bytes, Stage.SENDING)

    def limit_bytes(self, max_bytes: int, byte_count: Callable[[BufferedSocket], int], stage: Stage) -> None:
        """Closes the oldest that hold something until all together hold no more than so many bytes."""
        total = sum(byte_count(one.sock) for one in self.polled)
        for connection in sorted((one for one in self.polled if one.stage is stage), key=lambda one: one.waiting_since):
            if total <= max_bytes:
                return
            total -= byte_count(connection.sock)
            self.drop(connection)

    def evict_connection(self) -> None:
        """Closes the connection that is missed least: one that waits for nothing, else the longest waiting one of the
        address that has most."""
        by_address = Counter(one.address for one in self.polled if one.stage >= Stage.READING)

        def missed(one: Connection) -> tuple[int, int, float]:
            waits_for_something = int(one.stage >= Stage.READING)
            return waits_for_something, -by_address[one.address] * waits_for_something, one.waiting_since

        if self.polled:
            self.drop(min(self.polled, key=missed))

    def murder_keepalived(self, force: bool = False) -> None:
        if force:
            for connection in list(self.polled):
                self.drop(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        for connection in self.polled:
            if connection.stage <= Stage.IDLE:
                connection.timeout = min(connection.timeout, deadline)
