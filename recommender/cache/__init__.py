"""The list cache: the only package that names a Redis key.

Redis holds no truth. Every value has a TTL (streams have a bounded length instead, totals are few, and the mark of a
server that was accepted is one key), a corrupt or foreign value is a miss, and an absent version is None: the caller
then reads the truth from Postgres and fills it in. Every function raises CacheUnavailable when Redis does not answer or
refuses, unless it says otherwise. Where Redis is another server than before, the epoch is raised in Postgres before
anything read from it is trusted.
"""

from recommender.cache.codec import (
    NO_EXCLUSIONS,
    BytesSerializer,
    ExclusionCounts,
    StoredList,
    TextVectors,
    Versions,
    WatchCounts,
)
from recommender.cache.connection import CacheUnavailable, RawRead
from recommender.cache.counters import COUNTER_BUCKETS, add_counters, read_counters, read_total_counters
from recommender.cache.erasures import read_erasures
from recommender.cache.home_pages import StoredHome, read_home, read_homes, store_home
from recommender.cache.lists import (
    ListRead,
    delete_all,
    erase_viewer,
    erase_viewers,
    read_chart,
    read_embedding,
    read_list,
    read_list_and_versions,
    read_lists,
    read_text_vectors,
    read_watch_counts,
    store_chart,
    store_embedding,
    store_list,
    store_lists,
    store_text_vectors,
    store_watch_counts,
)
from recommender.cache.pages import StoredPage, read_page, store_page
from recommender.cache.processes import (
    announce_next_model,
    heartbeat_ages,
    models_by_process,
    next_model,
    record_heartbeat,
    report_loaded_model,
)
from recommender.cache.rates import RateWindow, count_call_and_read, count_call_and_repeat, count_calls
from recommender.cache.streams import (
    StreamRead,
    append_records,
    count_waiting_records,
    oldest_record_at,
    read_records,
    take_records,
)
from recommender.cache.versions import (
    VERSION_TTL,
    fill_reserved_versions,
    fill_reserved_viewer_versions,
    publish_catalogue_version,
    publish_epoch,
    publish_model,
    publish_viewer_versions,
    reserve_missing_versions,
    reserve_viewer_versions,
    set_epoch_bumper,
    try_publish_viewer_versions,
)
from recommender.cache.viewer_keys import delete_viewer_ids, read_viewer_ids, store_viewer_ids

__all__ = [
    "COUNTER_BUCKETS",
    "NO_EXCLUSIONS",
    "VERSION_TTL",
    "BytesSerializer",
    "CacheUnavailable",
    "ExclusionCounts",
    "ListRead",
    "RateWindow",
    "RawRead",
    "StoredHome",
    "StoredList",
    "StoredPage",
    "StreamRead",
    "TextVectors",
    "Versions",
    "WatchCounts",
    "add_counters",
    "announce_next_model",
    "append_records",
    "count_call_and_read",
    "count_call_and_repeat",
    "count_calls",
    "count_waiting_records",
    "delete_all",
    "delete_viewer_ids",
    "erase_viewer",
    "erase_viewers",
    "fill_reserved_versions",
    "fill_reserved_viewer_versions",
    "heartbeat_ages",
    "models_by_process",
    "next_model",
    "oldest_record_at",
    "publish_catalogue_version",
    "publish_epoch",
    "publish_model",
    "publish_viewer_versions",
    "read_chart",
    "read_counters",
    "read_embedding",
    "read_erasures",
    "read_home",
    "read_homes",
    "read_list",
    "read_list_and_versions",
    "read_lists",
    "read_page",
    "read_records",
    "read_text_vectors",
    "read_total_counters",
    "read_viewer_ids",
    "read_watch_counts",
    "record_heartbeat",
    "report_loaded_model",
    "reserve_missing_versions",
    "reserve_viewer_versions",
    "set_epoch_bumper",
    "store_chart",
    "store_embedding",
    "store_home",
    "store_list",
    "store_lists",
    "store_page",
    "store_text_vectors",
    "store_viewer_ids",
    "store_watch_counts",
    "take_records",
    "try_publish_viewer_versions",
]
