"""What was answered, counted over all processes: one hash for each minute and each hour, and one for ever."""

from collections.abc import Mapping

from recommender.cache.connection import counters_connection
from recommender.cache.keys import TOTAL_COUNTERS, counters_key, full_key

COUNTER_BUCKETS = {60: 2 * 3_600, 3_600: 8 * 86_400}  # seconds: length of a bucket -> how long it is kept


def add_counters(at: int, counts: Mapping[str, int], totals: Mapping[str, int] | None = None) -> None:
    """Add the counts to the minute and the hour of `at`, unix seconds, and to the totals; `totals` to these alone."""
    with counters_connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        for bucket_seconds, ttl in COUNTER_BUCKETS.items():
            key = full_key(counters_key(bucket_seconds, at))
            for name, count in counts.items():
                pipe.hincrby(key, name, count)
            pipe.expire(key, ttl)
        for name, count in {**counts, **(totals or {})}.items():
            pipe.hincrby(full_key(TOTAL_COUNTERS), name, count)
        pipe.execute()


def read_total_counters() -> dict[str, int]:
    """Return all counts since this Redis was started."""
    with counters_connection.checked_client() as redis:
        return {name.decode(): int(count) for name, count in redis.hgetall(full_key(TOTAL_COUNTERS)).items()}


def read_counters(at: int, bucket_seconds: int, buckets: int) -> list[dict[str, int]]:
    """Return the counts of so many buckets of that length, the oldest first; the last is the one of `at`."""
    with counters_connection.checked_client() as redis:
        pipe = redis.pipeline(transaction=False)
        for back in reversed(range(buckets)):
            pipe.hgetall(full_key(counters_key(bucket_seconds, at - back * bucket_seconds)))
        return [{name.decode(): int(count) for name, count in bucket.items()} for bucket in pipe.execute()]
