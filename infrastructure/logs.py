"""Log lines: JSON in production, plain text elsewhere; each with the id of its request, none with personal data.

Paths and addresses name viewers, and so do the rows that Postgres quotes and the values that exceptions do: none of
them is written.
"""

import errno
import json
import logging
import re
import sys
import threading
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="")  # of the request, or the task, at work here

# As lines of their own, or behind an escaped line break where an error is written as Python writes it.
_ROW_VALUES = re.compile(r"(^|\\n)(DETAIL|CONTEXT|LINE \d+):.*$", re.MULTILINE)
# An exception quotes the value that it stumbled over. Names of the code and of columns, paths and addresses may stand.
_QUOTED = re.compile(r"""(?<!\w)(?P<quote>["'])(?P<text>(?:\\.|(?!(?P=quote)(?!\w))[^\\\n])*)(?P=quote)(?!\w)""")
_MAY_STAND = re.compile(r"[A-Za-z_][\w.]*|/[^@]*|[0-9.:]*", re.ASCII)
_REQUEST_FIELDS = ("method", "route", "status", "ms", "client")  # of the line that the API writes for each request


class RedactPathsFilter(logging.Filter):
    """Replace the address in Django's lines about a request by its route."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record and let it pass."""
        request: Any = getattr(record, "request", None)
        if hasattr(request, "resolver_match"):
            record.msg = f"{request.method} {route_pattern(request)}: {getattr(record, 'status_code', '')}"
            record.args = ()
        return True


def redact_row_values(text: str) -> str:
    """Return an error's text without the values that Postgres quotes."""
    return _ROW_VALUES.sub("", text)


def redact_exception(text: str) -> str:
    """Return an exception's text, or its traceback, without values: neither those that Postgres quotes, nor others."""
    return _QUOTED.sub(
        lambda match: match[0] if _MAY_STAND.fullmatch(match["text"]) else "'...'", redact_row_values(text)
    )


def _redact(text: str, record: logging.LogRecord) -> str:
    return redact_exception(text) if record.exc_info else redact_row_values(text)


NO_SUCH_ADDRESS = "no such address"  # the name of the route that takes what no other one does


def route_pattern(request: Any) -> str:
    """Return the request's route as urls.py has it, without the values in it."""
    match = request.resolver_match
    return NO_SUCH_ADDRESS if match is None or match.url_name == NO_SUCH_ADDRESS else str(match.route)


class ExceptionsOnlyFilter(logging.Filter):
    """Let records with an exception pass alone. A refused request has its own line already."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record has an exception."""
        return bool(record.exc_info and record.exc_info[0])


BURST, BURST_SECONDS = 5, 10.0  # lines of one kind in so many seconds; more are counted
CLIENT_DRIVEN_LOGGERS = ("gunicorn", "django", "recommender.api")  # clients choose part of their text


class RateLimitedHandler(logging.StreamHandler[Any]):
    """Write a few lines of each kind and count the rest, so that no client can flood the logs."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[Any, tuple[int, logging.LogRecord]] = {}  # kind -> lines in this window, the last of them
        self._until = 0.0  # monotonic seconds
        self._timer: threading.Timer | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, or count it where its kind has had its lines."""
        if time.monotonic() >= self._until:
            self.flush_counts()
        kind = _line_kind(record)
        count = self._counts.get(kind, (0, record))[0] + 1
        self._counts[kind] = count, record
        if count <= BURST or record.levelno <= logging.DEBUG:
            super().emit(record)
        elif self._timer is None or not self._timer.is_alive():
            self._timer = threading.Timer(BURST_SECONDS, self._flush_counts_locked)
            self._timer.daemon = True
            self._timer.start()

    def _flush_counts_locked(self) -> None:
        with self.lock or threading.RLock():
            self.flush_counts()

    def flush_counts(self) -> None:
        """Write what was only counted, and start counting anew."""
        counts, self._counts = self._counts, {}
        self._until = time.monotonic() + BURST_SECONDS
        for count, record in counts.values():
            if count > BURST and record.levelno > logging.DEBUG:
                message = f"{record.getMessage()} (and {count - BURST} more lines like this one)"
                summary = logging.makeLogRecord(record.__dict__ | {"msg": message, "args": (), "exc_info": None})
                super().emit(summary)


def _line_kind(record: logging.LogRecord) -> Any:
    """Return what makes lines alike: the message, or the place in the code where clients choose part of the message."""
    if hasattr(record, "status"):
        return record.name, getattr(record, "route", ""), record.status
    if record.name.startswith(CLIENT_DRIVEN_LOGGERS):
        return record.name, record.levelno, record.pathname, record.lineno
    return record.name, record.getMessage()


class _FullDiskTolerantStream:
    """A stream that drops what cannot be written because its disk is full."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return int(self._stream.write(text))
        except OSError as error:
            return self._ignore_full_disk(error, len(text))

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._ignore_full_disk(error, 0)

    def _ignore_full_disk(self, error: OSError, length: int) -> int:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS):
            raise error
        return length

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def tolerate_full_disk() -> None:
    """Keep this process alive, and startable, while its log cannot be written because the disk is full."""
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, _FullDiskTolerantStream):
            setattr(sys, name, _FullDiskTolerantStream(stream))


class PlainFormatter(logging.Formatter):
    """One line of text a record."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {process} {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the request's id at its end."""
        line = _redact(super().format(record), record)
        return f"{line} [{request_id.get()}]" if request_id.get() else line


class JsonFormatter(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "process": record.process,
            "message": _redact(record.getMessage(), record),
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        line |= {name: getattr(record, name) for name in _REQUEST_FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = redact_exception(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)
