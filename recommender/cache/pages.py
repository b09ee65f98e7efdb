"""Page sessions: which movies the pages of one list have shown so far, kept from its second page on.

A session is a hash (what the list was asked with, a nonce, and each page as it was made) and a string of the ids that
its pages showed, four bytes each. Both live PAGE_LIFETIME seconds from the last page on.
"""

import os
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings

from recommender.cache.connection import redis_connection
from recommender.cache.keys import NOBODY, full_key, page_ids_key, page_session_key, page_sessions_key
from recommender.cache.scripts import Script, evaluate

MAX_SESSIONS_OF_VIEWER, MAX_SESSIONS_OF_NOBODY = 20, 10_000  # the one that was begun first goes first
MAX_PAGES_TO_REPEAT = 50  # of a session, the newest: an older one is not made again

# Stores a page unless it is there. Returns the nonce of the session, or nothing where the page is there, or where the
# session that it continues is gone.
_STORE = Script.of("""
local nonce = redis.call('HGET', KEYS[1], 'nonce')
if ARGV[2] ~= '' and nonce ~= ARGV[2] then return false end
if nonce and redis.call('STRLEN', KEYS[2]) > tonumber(ARGV[6]) then return false end
if redis.call('HSETNX', KEYS[1], ARGV[4], ARGV[5]) == 0 then return false end
if not nonce then
  nonce = ARGV[3]
  redis.call('HSET', KEYS[1], 'nonce', nonce, 'root', ARGV[1])
end
redis.call('SETRANGE', KEYS[2], ARGV[6], ARGV[7])
redis.call('HDEL', KEYS[1], ARGV[9])
redis.call('EXPIRE', KEYS[1], ARGV[8])
redis.call('EXPIRE', KEYS[2], ARGV[8])
return nonce
""")


class StoredPage(NamedTuple):
    """What is kept of a list at one of its pages."""

    root: bytes | None  # what the list was asked with; None: there is no session
    nonce: bytes
    shown_ids: np.ndarray  # int32 [n], on the pages before
    page: bytes | None  # the page itself, where it was made before


def read_page(session: bytes, number: int, shown: int) -> StoredPage | None:
    """Read a session at its page of this number (from 0), before which it showed `shown` movies: one round trip.

    None where the session has not shown so many.
    """
    name, ids_name = full_key(page_session_key(session.hex())), full_key(page_ids_key(session.hex()))
    with redis_connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=True)
        pipe.hmget(name, "root", "nonce", str(number))
        if shown:
            pipe.getrange(ids_name, 0, 4 * shown - 1)
        (root, nonce, page), *rest = pipe.execute()
    ids = rest[0] if rest else b""
    if root is not None and len(ids) != 4 * shown:
        return None
    return StoredPage(root, nonce or b"", np.frombuffer(ids[: len(ids) // 4 * 4], "<i4").astype(np.int32), page)


def store_page(
    session: bytes,
    number: int,
    page: bytes,
    *,
    root: bytes,
    nonce: bytes,
    first_id: int,
    movie_ids: np.ndarray,
    owners: Sequence[int | str],
) -> bytes | None:
    """Store a page once; return the session's nonce, or None where another call stored it before, or the session ended.

    `nonce`: of the session that the page continues; empty where it begins one. `movie_ids`: what the session has
    shown from its movie `first_id` on. `owners`: the keys of the viewers whom the list is for, who
    need not be known.
    """
    name, ids_name = full_key(page_session_key(session.hex())), full_key(page_ids_key(session.hex()))
    values = [root, nonce, os.urandom(8), str(number), page, 4 * first_id, np.asarray(movie_ids, "<i4").tobytes()]
    values += [settings.PAGE_LIFETIME, str(number - MAX_PAGES_TO_REPEAT)]
    stored: bytes | None = evaluate(_STORE, [name, ids_name], *values)
    if stored is not None and not nonce:
        with redis_connection.checked_client() as redis:
            for owner in owners or [NOBODY]:
                _note_session(redis, owner, session)
    return stored


def _note_session(redis: Any, owner: int | str, session: bytes) -> None:
    """Note whose session it is, and end those that are too many."""
    index = full_key(page_sessions_key(owner))
    pipe = redis.pipeline(transaction=False)
    pipe.zadd(index, {session.hex(): time.time()})
    pipe.expire(index, 2 * settings.PAGE_LIFETIME)
    pipe.zremrangebyscore(index, "-inf", time.time() - 2 * 86_400)
    pipe.zcard(index)
    surplus = pipe.execute()[-1] - (MAX_SESSIONS_OF_NOBODY if owner == NOBODY else MAX_SESSIONS_OF_VIEWER)
    if surplus > 0:
        _delete(redis, [member.decode() for member, _ in redis.zpopmin(index, surplus)])


def end_sessions(owners: Iterable[int | str]) -> None:
    """Delete the sessions of lists that are for the viewers with these keys, in two round trips."""
    indexes = [full_key(page_sessions_key(owner)) for owner in owners]
    with redis_connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        for index in indexes:
            pipe.zrange(index, 0, -1)
        _delete(redis, [member.decode() for members in pipe.execute() for member in members])
        if indexes:
            redis.delete(*indexes)


def _delete(redis: Any, sessions: Sequence[str]) -> None:
    names = [full_key(make_key(session)) for session in sessions for make_key in (page_session_key, page_ids_key)]
    if names:
        redis.delete(*names)
