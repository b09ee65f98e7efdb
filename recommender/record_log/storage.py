"""Stores what waits in a stream: each block and the place in the stream that it reaches are committed together, so none
is lost and none comes twice."""

import time
from collections.abc import Callable, Sequence

from django.db import transaction

from recommender import cache
from recommender.cache import CacheUnavailable
from recommender.models import LogCursor

BLOCK = 5_000  # records of one transaction

StoreBlock = Callable[[Sequence[bytes]], int]  # stores records in the running transaction; returns how many it kept


def store_records(name: str, store_block: StoreBlock) -> int:
    """Store the records that wait. Return how many were kept. Not to be run twice at once. Raises CacheUnavailable."""
    stored = 0
    while True:
        last = dict(LogCursor.objects.filter(log=name).values_list("stream", "last_entry"))
        read = cache.read_records(name, last, BLOCK)
        kept = 0
        if read.entries:
            with transaction.atomic():
                kept = store_block([record for _, record in read.entries])
                LogCursor.objects.filter(log=name).exclude(stream=read.stream).delete()
                LogCursor.objects.update_or_create(
                    log=name, stream=read.stream, defaults={"last_entry": read.entries[-1][0]}
                )
            cache.take_records(read)
        stored += kept
        counts = {f"{name}_stored": kept, f"{name}_dropped": read.overflowed + len(read.entries) - kept}
        if any(counts.values()):
            cache.add_counters(int(time.time()), {counter: count for counter, count in counts.items() if count})
        if len(read.entries) < BLOCK:
            return stored


def is_stored_through(name: str, moment: float) -> bool:
    """Say whether every record that was made before this moment (unix seconds) is stored, as far as it reached Redis;
    False while Redis does not answer."""
    try:
        oldest = cache.oldest_record_at(name)
    except CacheUnavailable:
        return False
    return (time.time() if oldest is None else oldest) > moment
