"""What is said of one event, and what is answered."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NewEvent:
    viewer_id: int
    movie_id: int
    kind: int
    occurred_at: datetime
    rating: float | None = None
    completion: float | None = None
    client_event_id: UUID | None = None
    has_client_time: bool = (
        True  # whether the client said when; else `occurred_at` is when it came, and is another each time
    )
    is_session: bool = False  # whether the client said that the viewer is an anonymous session


class EventStatus(StrEnum):
    STORED = "stored"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    CONFLICT = "conflict"  # it is there with other content


@dataclass(frozen=True, slots=True)
class EventResult:
    """`viewer_version` is the version as committed; None where the viewer was not touched. `fields`: those in which a
    conflicting event is another than the one that is there."""

    status: EventStatus
    reason: str = ""
    viewer_version: int | None = None
    fields: tuple[str, ...] = ()


class EventKey(NamedTuple):
    """What identifies an event: the natural key and the client's own id."""

    viewer_id: int
    occurred_at: datetime
    movie_id: int
    kind: int
    client_event_id: UUID | None


def event_key(event: NewEvent) -> EventKey:
    return EventKey(event.viewer_id, event.occurred_at, event.movie_id, event.kind, event.client_event_id)
