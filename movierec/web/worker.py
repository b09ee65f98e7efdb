"""gunicorn's threaded worker, in which only a whole request takes a thread.

The event loop reads requests and sends answers, each with a deadline. Two hundred clients that drip a byte a second, or
never read, hold two hundred sockets and not one thread. Where there is no room for another connection, the address with
the most connections loses the one that has waited longest.
"""

import errno
import resource
import selectors
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import IntEnum
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import TConn, ThreadWorker

from movierec.web import client_timeouts
from movierec.web.buffered_socket import MIN_RATE, BufferedSocket, RequestRefused
from movierec.web.refusals import refusal

HEALTH_THREADS = 4  # of their own: health checks are answered however busy the others are
MAX_OPEN_FILES = 65_536  # of a process, where the system lets it
RESERVED_FILES = 200  # of them for other things than connections
SPARE_CONNECTIONS = 8  # connections below the limit at which one is closed for the next
LINGER_SECONDS = 2.0  # after the last byte of an answer, for a client that is still sending
SWEEP_SECONDS = 0.5
MAX_PENDING_BYTES = 512 * 1024 * 1024  # of requests that are not complete, in one process
MAX_UNSENT_BYTES = 128 * 1024 * 1024  # of answers that readers have not taken, in one process


def _write_refusal(sock: BufferedSocket, status: int, reason: str, message: str) -> None:
    """Answer a request that gunicorn's parser does not take."""
    sock.sendall(refusal(status, message))


util.write_error = _write_refusal  # gunicorn's own is a page in HTML


class Stage(IntEnum):
    """What a connection without a thread waits for. The lowest is closed first where room is needed."""

    LINGERING = 0  # for the client to close
    IDLE = 1  # for another request
    READING = 2  # for the rest of a request
    SENDING = 3  # for the client to take the answer


class Connection(TConn):
    """gunicorn's connection with a stage and a deadline."""

    sock: BufferedSocket

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.data_ready = True  # a thread gets it when the request is here
        self.stage = Stage.READING
        self.waiting_since = time.monotonic()
        self.reusable = False  # for another request

    @property
    def address(self) -> str:
        """Return the client's IP address; "" on a unix socket."""
        return str(self.client[0]) if isinstance(self.client, tuple) else ""


class WebWorker(ThreadWorker):
    """The worker class of `gunicorn.py`."""

    worker_connections: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.polled: dict[Connection, None] = {}
        self.drained_at: float | None = None  # monotonic seconds; set when the process was told to stop
        self.last_sweep = 0.0

    def init_process(self) -> None:
        """Raise the limit of open files, and start the threads for health checks."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        files = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
        self.worker_connections = max(32, min(self.worker_connections, files - RESERVED_FILES))
        self.health_pool = ThreadPoolExecutor(HEALTH_THREADS, thread_name_prefix="health")
        BufferedSocket.send_timeout = client_timeouts.BODY_SECONDS
        super().init_process()

    # --- the end ----------------------------------------------------------------------------------------------------
    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to stop: a balancer hears at once that this process is not ready, and until it has taken notice
        (DRAIN_SECONDS) requests are still served."""
        if client_timeouts.DRAIN_SECONDS == 0:
            super().handle_exit(sig, frame)
        elif self.drained_at is None:
            self.drained_at = time.monotonic() + client_timeouts.DRAIN_SECONDS
            self.method_queue.defer(lambda: None)  # wakes the event loop

    # --- connections come and wait ----------------------------------------------------------------------------------
    def accept(self, listener: Any) -> None:
        """Accept a connection and read what it has sent already."""
        if self.nr_conns >= self.worker_connections - SPARE_CONNECTIONS:
            self.evict_connection()
        try:
            accepted, client = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self.evict_connection()
                time.sleep(0.01)  # the listener stays readable: do not spin where nothing could be closed
            elif error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        connection = Connection(self.cfg, BufferedSocket(accepted), client, listener.getsockname())
        self.poll(connection, Stage.READING, client_timeouts.HEADER_SECONDS)
        self.read(connection)  # mostly the request is here

    def poll(self, connection: Connection, stage: Stage, seconds: float) -> None:
        """Have the event loop act on the connection's next event, and close it after so many seconds without one."""
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
            if connection in self.polled:  # an event of another connection in the same turn may have closed it
                act[stage](connection)

        change(connection.sock, events, wake)
        self.polled[connection] = None

    def stop_polling(self, connection: Connection) -> None:
        """Take the connection out of the event loop, if it is there."""
        if connection in self.polled:
            del self.polled[connection]
            self.poller.unregister(connection.sock)

    def drop(self, connection: Connection) -> None:
        """Close the connection at once."""
        self.stop_polling(connection)
        self.nr_conns -= 1
        connection.close()

    # --- a request comes --------------------------------------------------------------------------------------------
    def read(self, connection: Connection) -> None:
        """Read what came; a request that is complete gets a thread."""
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
        """Give headers their time, and a body its own, which grows with the bytes that came."""
        sock = connection.sock
        if connection.stage is Stage.IDLE:
            sock.started_at = time.monotonic()
            self.poll(connection, Stage.READING, client_timeouts.HEADER_SECONDS)
        if sock.has_headers:
            connection.timeout = sock.started_at + client_timeouts.BODY_SECONDS + sock.received_bytes / MIN_RATE

    def refuse(self, connection: Connection, status: int, *, stopping: bool = False) -> None:
        """Answer with the status, without a thread, and end the connection."""
        connection.reusable = False
        try:
            connection.sock.sendall(refusal(status, stopping=stopping))
        except OSError:
            self.drop(connection)
        else:
            self.finish_answer(connection)

    def enqueue_req(self, connection: Connection) -> None:
        """Give the request to a thread."""
        if self.drained_at is not None and connection.sock.path.startswith("/health/ready"):
            self.refuse(connection, 503, stopping=True)
            return
        pool = self.health_pool if connection.sock.path.startswith("/health/") else self.tpool
        future = pool.submit(self.handle, connection)
        future.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, connection, future))

    def handle_request(self, req: Any, conn: Connection) -> Any:
        """Run the application, in a thread."""
        if not conn.sock.body_is_complete or self.drained_at is not None:
            req.force_close()  # and the answer says so: the rest of that body must not be taken for a request
        return super().handle_request(req, conn)

    # --- an answer goes ---------------------------------------------------------------------------------------------
    def finish_request(self, connection: Connection, future: "Future[Any]") -> None:
        """Take the connection back from its thread."""
        if connection.sock.fileno() < 0:  # closed in the midst of an answer that failed
            self.nr_conns -= 1
            return
        succeeded = not future.cancelled() and future.exception() is None and bool(future.result())
        # Bytes that the parser left belong to nothing: it took the request for shorter than it was read here.
        connection.reusable = succeeded and not connection.parser.unreader.buf.getvalue()
        self.finish_answer(connection)

    def finish_answer(self, connection: Connection) -> None:
        """Send the rest of the answer; then wait for another request, or end the connection."""
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
        """Send what the client takes; each byte earns it more time."""
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
        """Keep the connection for another request."""
        connection.sock.start_request()
        linger = 2.0 if not self.alive else float(self.cfg.keepalive)
        self.poll(connection, Stage.IDLE, linger)
        self.read(connection)  # what came behind the last request makes the socket readable no more

    def discard(self, connection: Connection) -> None:
        """Drop what a client still sends after its answer, until it closes."""
        try:
            if connection.sock.discard():
                self.drop(connection)
        except BlockingIOError:
            pass
        except OSError:
            self.drop(connection)

    # --- deadlines and room -----------------------------------------------------------------------------------------
    def murder_pending(self) -> None:
        """End connections that are over their time; gunicorn's loop calls it at each turn."""
        now = time.monotonic()
        if self.drained_at is not None and now >= self.drained_at:
            self.alive = False
        if now < self.last_sweep + SWEEP_SECONDS:
            return
        self.last_sweep = now
        for connection in [connection for connection in self.polled if connection.timeout < now]:
            if connection.stage is Stage.READING and connection.sock.received_bytes:
                self.refuse(connection, 408)
            else:
                self.drop(connection)
        self.limit_bytes(MAX_PENDING_BYTES, lambda sock: sock.received_bytes, Stage.READING)
        self.limit_bytes(MAX_UNSENT_BYTES, lambda sock: sock.unsent_bytes, Stage.SENDING)

    def limit_bytes(self, max_bytes: int, byte_count: Callable[[BufferedSocket], int], stage: Stage) -> None:
        """Close connections of the stage, the oldest first, until all together hold no more than `max_bytes`."""
        total = sum(byte_count(connection.sock) for connection in self.polled)
        for connection in sorted(
            (connection for connection in self.polled if connection.stage is stage),
            key=lambda connection: connection.waiting_since,
        ):
            if total <= max_bytes:
                return
            total -= byte_count(connection.sock)
            self.drop(connection)

    def evict_connection(self) -> None:
        """Close the connection that is missed least, to have room for another.

        That is one that waits for nothing, else the one that has waited longest of the address with most connections.
        """
        by_address = Counter(connection.address for connection in self.polled if connection.stage >= Stage.READING)

        def importance(connection: Connection) -> tuple[int, int, float]:
            is_active = int(connection.stage >= Stage.READING)
            return is_active, -by_address[connection.address] * is_active, connection.waiting_since

        if self.polled:
            self.drop(min(self.polled, key=importance))

    def murder_keepalived(self, force: bool = False) -> None:
        """Close every connection, where gunicorn ends the process."""
        if force:
            for connection in list(self.polled):
                self.drop(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        for connection in self.polled:
            if connection.stage <= Stage.IDLE:
                connection.timeout = min(connection.timeout, deadline)
