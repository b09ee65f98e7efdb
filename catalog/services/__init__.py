"""Every write to the catalogue and to what viewers did. Other packages import from here, not from the modules.

Whole data sets are loaded by `catalog.loading`.
"""

from catalog.services.demo import RemovedDemo, remove_demo
from catalog.services.erasure import erase_viewer
from catalog.services.event_deletion import DeletedEvents, delete_event, delete_events
from catalog.services.event_duplicates import conflict_result, equal_as_float32
from catalog.services.event_types import EventBlock, EventResult, EventStatus, NewEvent
from catalog.services.events import RecordedBlock, record_block, record_events, record_new_event
from catalog.services.genres import GenreChange, write_genres
from catalog.services.get_or_create import NamedPerson
from catalog.services.merging import (
    MergeRecord,
    UnmergeRecord,
    delete_moved_events,
    merge_viewer,
    unmerge_viewer,
)
from catalog.services.movie_standings import write_standings
from catalog.services.movie_upserts import MovieChange, MovieWriteResult, WriteMode, WriteProblem, write_movies
from catalog.services.movies import (
    NewCredit,
    delete_movies,
    delete_records,
    forget_doubles,
    join_doubles,
    part_doubles,
    publish_movies,
    save_record,
    schedule_movies,
    write_credits,
)
from catalog.services.undo.deletion import DeletedRecords, delete_event_ranges, delete_unused
from catalog.services.undo.fingerprints import fingerprints
from catalog.services.undo.journal import ImportJournal, StepCounts, open_journal
from catalog.services.undo.made import MadeRecords, RecordKind
from catalog.services.versions import bump_catalogue, bump_data_set, bump_epoch
from catalog.services.viewer_profiles import PROFILE_DEFAULTS, ProfileWrite, write_profile
from catalog.services.viewers import (
    ensure_viewers,
    invalidate_viewers,
    mark_published,
    save_viewer,
    write_viewers,
)

__all__ = [
    "PROFILE_DEFAULTS",
    "DeletedEvents",
    "DeletedRecords",
    "EventBlock",
    "EventResult",
    "EventStatus",
    "GenreChange",
    "ImportJournal",
    "MadeRecords",
    "MergeRecord",
    "MovieChange",
    "MovieWriteResult",
    "NamedPerson",
    "NewCredit",
    "NewEvent",
    "ProfileWrite",
    "RecordKind",
    "RecordedBlock",
    "RemovedDemo",
    "StepCounts",
    "UnmergeRecord",
    "WriteMode",
    "WriteProblem",
    "bump_catalogue",
    "bump_data_set",
    "bump_epoch",
    "conflict_result",
    "delete_event",
    "delete_event_ranges",
    "delete_events",
    "delete_moved_events",
    "delete_movies",
    "delete_records",
    "delete_unused",
    "ensure_viewers",
    "equal_as_float32",
    "erase_viewer",
    "fingerprints",
    "forget_doubles",
    "invalidate_viewers",
    "join_doubles",
    "mark_published",
    "merge_viewer",
    "open_journal",
    "part_doubles",
    "publish_movies",
    "record_block",
    "record_events",
    "record_new_event",
    "remove_demo",
    "save_record",
    "save_viewer",
    "schedule_movies",
    "unmerge_viewer",
    "write_credits",
    "write_genres",
    "write_movies",
    "write_profile",
    "write_standings",
    "write_viewers",
]
