"""Every write to the catalogue and to what viewers did. Doors and flows import from here, not from the modules inside."""

from catalog.services.events import EventResult, EventStatus, NewEvent, record_events
from catalog.services.revision import bump_catalogue, bump_epoch
from catalog.services.viewers import mark_published, touch_viewers

__all__ = [
    "EventResult",
    "EventStatus",
    "NewEvent",
    "bump_catalogue",
    "bump_epoch",
    "mark_published",
    "record_events",
    "touch_viewers",
]
