"""Streams of records between the processes that make them and the task that stores them.

A stream alone has no TTL: what a TTL made go would be lost. Its length is bounded instead, and what the bound drops is
counted: the state beside it holds how many records the stream had got, and how many of them were left, when they were
last taken.
"""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from recommender.cache.connection import counters_connection
from recommender.cache.keys import full_key, stream_key, stream_state_key

_FIELD = b"r"


class StreamRead(NamedTuple):
    """Records of a stream, the oldest first."""

    log: str  # the stream's name
    stream: str  # names this stream in this Redis: another one begins anew, with other ids
    entries: list[tuple[str, bytes]]  # id and record
    added: int  # records that the stream has got so far
    length: int  # records that are in it
    overflowed: int  # records that its bound has dropped since the last ones were taken


def append_records(log: str, packed: Sequence[bytes], limit: int) -> None:
    """Append records; of more than about `limit` the oldest go."""
    name = full_key(stream_key(log))
    with counters_connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        for record in packed:
            pipe.xadd(name, {_FIELD: record}, maxlen=limit, approximate=True)
        pipe.execute()


def read_records(log: str, last_entries: Mapping[str, str], count: int) -> StreamRead:
    """Return the first records of the stream that are not stored. `last_entries`: the last one that is, by stream."""
    name, state_name = full_key(stream_key(log)), full_key(stream_state_key(log))
    with counters_connection.checked_client() as redis:
        redis.hsetnx(state_name, "stream", os.urandom(8).hex())
        state = redis.hgetall(state_name)
        stream = state[b"stream"].decode()
        last = last_entries.get(stream)
        entries = redis.xrange(name, "-" if last is None else f"({last}", "+", count)
        facts = redis.xinfo_stream(name) if redis.exists(name) else {"entries-added": 0, "length": 0}
    added, length = int(facts["entries-added"]), int(facts["length"])
    overflowed = int(state.get(b"left", 0)) + added - int(state.get(b"added", 0)) - length
    records = [(entry_id.decode(), fields[_FIELD]) for entry_id, fields in entries]
    return StreamRead(log, stream, records, added, length, max(0, overflowed))


def take_records(read: StreamRead) -> None:
    """Delete the records that were read, and everything before them."""
    milliseconds, _, number = read.entries[-1][0].partition("-")
    with counters_connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=True)
        pipe.xtrim(full_key(stream_key(read.log)), minid=f"{milliseconds}-{int(number) + 1}", approximate=False)
        state = {"added": read.added, "left": read.length - len(read.entries)}
        pipe.hset(full_key(stream_state_key(read.log)), mapping=state)
        pipe.execute()


def oldest_record_at(log: str) -> float | None:
    """Return when the oldest record that waits in the stream came, unix seconds; None where none waits."""
    with counters_connection.checked_client() as redis:
        entries = redis.xrange(full_key(stream_key(log)), "-", "+", 1)
    return int(entries[0][0].partition(b"-")[0]) / 1000 if entries else None


def count_waiting_records(log: str) -> int:
    """Return how many records wait in the stream."""
    with counters_connection.checked_client() as redis:
        return int(redis.xlen(full_key(stream_key(log))))
