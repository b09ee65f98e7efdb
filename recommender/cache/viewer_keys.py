"""The ids of viewers whose keys are texts, by key. Redis has a digest of the key, and nothing of it to read."""

from collections.abc import Collection, Mapping

from recommender.cache.connection import redis_connection
from recommender.cache.keys import as_number, full_key, viewer_id_key
from recommender.cache.versions import VERSION_TTL


def read_viewer_ids(keys: Collection[str]) -> dict[str, int]:
    """Return the ids that are known here by key. An id may be out of date: its viewer is gone then."""
    values = redis_connection.read_values([full_key(viewer_id_key(key)) for key in keys])
    numbers = zip(keys, map(as_number, values), strict=True)
    return {key: number for key, number in numbers if number is not None}


def store_viewer_ids(ids: Mapping[str, int]) -> None:
    """Store ids by key, in one pipeline."""
    with redis_connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        for key, viewer_id in ids.items():
            pipe.set(full_key(viewer_id_key(key)), viewer_id, ex=VERSION_TTL)
        pipe.execute()


def delete_viewer_ids(keys: Collection[str]) -> None:
    """Delete what is stored of these keys."""
    with redis_connection.checked_client() as redis:
        if keys:
            redis.delete(*(full_key(viewer_id_key(key)) for key in keys))
