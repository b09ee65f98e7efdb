"""Logs of what happens too often for a query each: kept in the process for a moment, then in a stream of Redis, and
copied into a table by a task."""

from recommender.record_log.buffer import LOGS, OUTCOMES, SERVED_LISTS, add_records, flush_all, start_thread
from recommender.record_log.storage import StoreBlock, is_stored_through, store_records

__all__ = [
    "LOGS",
    "OUTCOMES",
    "SERVED_LISTS",
    "StoreBlock",
    "add_records",
    "flush_all",
    "is_stored_through",
    "start_thread",
    "store_records",
]
