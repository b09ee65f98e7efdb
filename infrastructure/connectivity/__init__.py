"""Whether Postgres and Redis are there. One thread for each server asks it; every other thread looks up the answer."""

from infrastructure.connectivity.postgres import PostgresProbe
from infrastructure.connectivity.redis import RedisProbe
from infrastructure.connectivity.server_monitor import BACKGROUND_TIMEOUT, INTERACTIVE_TIMEOUT, ServerMonitor

__all__ = ["POSTGRES", "REDIS", "REPLICA", "REPLICA_ALIAS", "ServerMonitor", "start_monitors"]

REPLICA_ALIAS = "replica"  # of Django's databases

POSTGRES = ServerMonitor("Postgres", PostgresProbe())
REPLICA = ServerMonitor("The replica of Postgres", PostgresProbe(REPLICA_ALIAS))  # started by who reads it
REDIS = ServerMonitor("Redis", RedisProbe())


def start_monitors(*, interactive: bool) -> None:
    """Start this process's monitors, after the fork, and wait until each has asked its server once.

    `interactive`: somebody waits for the answers of this process. Else its work is long, so a server may be slow for a
    while, and Postgres alone is monitored.
    """
    monitors = (POSTGRES, REDIS) if interactive else (POSTGRES,)
    for monitor in monitors:
        monitor.start(INTERACTIVE_TIMEOUT if interactive else BACKGROUND_TIMEOUT)
    for monitor in monitors:
        monitor.wait_for_first_answer()
