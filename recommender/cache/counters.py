"""What was answered, counted over all processes: one hash for each minute and each hour."""

from collections.abc import Mapping

from recommender.cache.connection import redis_connection
from recommender.cache.keys import counters_key, full_key

COUNTER_BUCKETS = {60: 2 * 3_600, 3_600: 8 * 86_400}  # seconds: length of a bucket -> how long it is kept


def add_counters(at: int, counts: Mapping[str, int]) -> None:
    """Add the counts to the minute and to the hour of `at`, unix seconds."""
    with redis_connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        for bucket_seconds, ttl in COUNTER_BUCKETS.items():
            key = full_key(counters_key(bucket_seconds, at))
            for name, count in counts.items():
                pipe.hincrby(key, name, count)
            pipe.expire(key, ttl)
        pipe.execute()


def read_counters(at: int, bucket_seconds: int, buckets: int) -> list[dict[str, int]]:
    """Return the counts of so many buckets of that length, the oldest first; the last is the one of `at`."""
    with redis_connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        for back in reversed(range(buckets)):
            pipe.hgetall(full_key(counters_key(bucket_seconds, at - back * bucket_seconds)))
        return [{name.decode(): int(count) for name, count in bucket.items()} for bucket in pipe.execute()]
