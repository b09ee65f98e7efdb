"""Every write to the catalogue and to what viewers did. Doors and flows import from here, not from the modules."""

from catalog.services.demo import RemovedDemo
from catalog.services.events import EventResult, EventStatus, NewEvent, record_events
from catalog.services.films import delete_movies, delete_records, publish_movies, save_record
from catalog.services.load_demo import DemoThere, load_demo
from catalog.services.loading import LoadReport, Progress, load_dataset
from catalog.services.revision import bump_catalogue, bump_epoch
from catalog.services.viewers import mark_published, save_viewer, touch_viewers

__all__ = [
    "DemoThere",
    "EventResult",
    "EventStatus",
    "LoadReport",
    "NewEvent",
    "Progress",
    "RemovedDemo",
    "bump_catalogue",
    "bump_epoch",
    "delete_movies",
    "delete_records",
    "load_dataset",
    "load_demo",
    "mark_published",
    "publish_movies",
    "record_events",
    "save_record",
    "save_viewer",
    "touch_viewers",
]
