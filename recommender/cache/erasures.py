"""Which viewers were erased lately: serving processes hear of it, and take them out of their memory.

A stream has an entry for each erasure, for a minute: longer than it takes a process to ask. One that cannot ask then
hears of it from the sweep of the erasure (recommender/privacy.py), which announces it again.
"""

from collections.abc import Collection
from typing import Any

import numpy as np

from recommender.cache.connection import redis_connection
from recommender.cache.keys import ERASURES, full_key

ERASURES_TTL = 60  # seconds
_IDS = b"ids"

# By Redis' own clock, which its ids of entries follow.
_ANNOUNCE = """
local oldest = (redis.call('TIME')[1] - ARGV[1]) * 1000
redis.call('XADD', KEYS[1], 'MINID', oldest, '*', 'ids', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""


def announce_erasure(redis: Any, viewer_ids: Collection[int]) -> None:
    """Tell every process that these viewers were erased."""
    if viewer_ids:
        redis.eval(_ANNOUNCE, 1, full_key(ERASURES), ERASURES_TTL, np.array(sorted(viewer_ids), "<i4").tobytes())


def read_erasures(after: str) -> tuple[str, set[int]]:
    """Return the ids of the viewers that were erased after an entry, and the last entry; after "" are those to come."""
    with redis_connection.checked_client() as redis:
        if not after:
            entries = redis.xrevrange(full_key(ERASURES), count=1)
            return (entries[0][0].decode() if entries else "0-0"), set()
        entries = redis.xrange(full_key(ERASURES), f"({after}", "+")
    erased = {viewer_id for _, fields in entries for viewer_id in np.frombuffer(fields[_IDS], "<i4").tolist()}
    return (entries[-1][0].decode() if entries else after), erased
