"""The log of served lists: what each client got, recorded without a query while it waits.

A list is noted where its id is made, and handed over when the answer goes out (`collector`). The record log carries it
to the task that copies it into a table (`storage`), one partition a day. An id begins with its time, so the table needs
no column for that.
"""

from recommender.served_lists.collector import begin, is_collecting, note, submit, take
from recommender.served_lists.entry import (
    FLAGS,
    ID_BYTES,
    ServedEntry,
    is_logged,
    new_list_id,
    parse_list_id,
    served_at,
)

__all__ = [
    "FLAGS",
    "ID_BYTES",
    "ServedEntry",
    "begin",
    "is_collecting",
    "is_logged",
    "new_list_id",
    "note",
    "parse_list_id",
    "served_at",
    "submit",
    "take",
]
