"""Every write to the catalogue and to what viewers did. Doors and flows import from here, not from the modules; whole
data sets are loaded by `catalog.services.bulk`."""

from catalog.services.credits import NewCredit, write_credits
from catalog.services.demo import RemovedDemo, end_demo
from catalog.services.erasure import erase_viewer
from catalog.services.events import record_events
from catalog.services.films import delete_movies, delete_records, publish_movies, save_record, schedule_movies
from catalog.services.happened import EventResult, EventStatus, NewEvent
from catalog.services.merging import Merged, merge_viewer, take_back_events, unmerge_viewer
from catalog.services.repeats import conflict, same_real
from catalog.services.revision import bump_catalogue, bump_epoch, new_data_set
from catalog.services.viewers import known_since_first_event, mark_published, save_viewer, touch_viewers, write_viewers
from catalog.services.write_films import MovieChange, MovieWritten, Problem, Write, write_movies

__all__ = [
    "EventResult",
    "EventStatus",
    "Merged",
    "MovieChange",
    "MovieWritten",
    "NewCredit",
    "NewEvent",
    "Problem",
    "RemovedDemo",
    "Write",
    "bump_catalogue",
    "bump_epoch",
    "conflict",
    "delete_movies",
    "delete_records",
    "end_demo",
    "erase_viewer",
    "known_since_first_event",
    "mark_published",
    "merge_viewer",
    "new_data_set",
    "publish_movies",
    "record_events",
    "same_real",
    "save_record",
    "save_viewer",
    "schedule_movies",
    "take_back_events",
    "touch_viewers",
    "unmerge_viewer",
    "write_credits",
    "write_movies",
    "write_viewers",
]
