"""Whether Postgres and Redis are there. One thread a server asks for the whole process; everybody else looks it up."""

from movierec.lines.line import LONG_PATIENCE, PATIENCE, Line
from movierec.lines.postgres import PostgresProbe
from movierec.lines.redis import RedisProbe

__all__ = ["POSTGRES", "REDIS", "Line", "watch"]

POSTGRES = Line("Postgres", PostgresProbe())
REDIS = Line("Redis", RedisProbe())


def watch(*, interactive: bool) -> None:
    """Starts the threads of this process, after the fork, and waits for their first word.
    `interactive`: somebody waits for its answers; else its work is long, and a server may be slow for a while."""
    lines = (POSTGRES, REDIS) if interactive else (POSTGRES,)
    for line in lines:
        line.watch(PATIENCE if interactive else LONG_PATIENCE)
    for line in lines:
        line.first_word()
