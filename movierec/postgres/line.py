"""This process's line to Postgres: no waiting at every request while it is lost."""

import threading
import time
from collections.abc import Callable
from typing import Any

from psycopg import OperationalError

PROBE_SECONDS = 1.0


class Line:
    """After a connection that could not be made every further one fails at once, but for a probe a second."""

    def __init__(self) -> None:
        self.lost = False
        self._probe_at = 0.0  # monotonic seconds
        self._lock = threading.Lock()

    def made(self, connect: Callable[[], Any]) -> Any:
        """What `connect` returns. Raises OperationalError: its own, or in its place while Postgres is lost."""
        if self.lost:
            self._take_turn()
        try:
            connection = connect()
        except OperationalError:
            self.lost = True
            raise
        finally:
            self._probe_at = time.monotonic() + PROBE_SECONDS
        self.lost = False
        return connection

    def _take_turn(self) -> None:
        with self._lock:
            if time.monotonic() < self._probe_at:
                raise OperationalError("Postgres was lost less than a second ago; it is asked again shortly.")
            self._probe_at = float("inf")  # until the probe has ended


LINE = Line()
