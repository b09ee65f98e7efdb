"""Whether Postgres and Redis are there. One thread a server asks for the whole process; everybody else looks it up."""

from infrastructure.connectivity.postgres import PostgresProbe
from infrastructure.connectivity.redis import RedisProbe
from infrastructure.connectivity.server_monitor import BACKGROUND_TIMEOUT, INTERACTIVE_TIMEOUT, ServerMonitor

__all__ = ["POSTGRES", "REDIS", "ServerMonitor", "start_monitors"]

POSTGRES = ServerMonitor("Postgres", PostgresProbe())
REDIS = ServerMonitor("Redis", RedisProbe())


def start_monitors(*, interactive: bool) -> None:
    """Starts the threads of this process, after the fork, and waits for their first word.
    `interactive`: somebody waits for its answers; else its work is long, and a server may be slow for a while."""
    lines = (POSTGRES, REDIS) if interactive else (POSTGRES,)
    for line in lines:
        line.start(INTERACTIVE_TIMEOUT if interactive else BACKGROUND_TIMEOUT)
    for line in lines:
        line.wait_for_first_answer()
