"""One event as it is written, and the result of writing it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Self
from uuid import UUID

from catalog.event_keys import EventId
from catalog.keys import Key


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to store. `kind`: of WatchEvent.Kind; `rating`: stars; `completion`: share of the movie, 0..1."""

    viewer: Key
    movie_id: int
    kind: int
    occurred_at: datetime
    rating: float | None = None
    completion: float | None = None
    client_event_id: EventId | None = None
    has_client_time: bool = True  # else `occurred_at` is the moment of arrival, which is another at each resend
    is_session: bool = False  # the client says that the viewer is an anonymous session

    @property
    def viewer_id(self) -> int:
        """Return the viewer's id. Raises TypeError where the viewer is a text that nothing has looked up."""
        if not isinstance(self.viewer, int):
            raise TypeError("The viewer is named by a text; record_events() looks it up.")
        return self.viewer


@dataclass(frozen=True, slots=True)
class EventBlock:
    """Events to store, as columns: what thousands of rows of a file are before there is an object for each."""

    viewers: Sequence[Key]
    movie_ids: Sequence[int]
    kinds: Sequence[int]
    moments: Sequence[datetime]
    ratings: Sequence[float | None]
    completions: Sequence[float | None]
    event_ids: Sequence[EventId | None]
    sessions: Sequence[bool]
    has_client_times: Sequence[bool] | None = None  # None: all of them have

    @classmethod
    def of(cls, events: Sequence[NewEvent]) -> Self:
        """Return the events as columns."""
        return cls(
            [event.viewer for event in events],
            [event.movie_id for event in events],
            [event.kind for event in events],
            [event.occurred_at for event in events],
            [event.rating for event in events],
            [event.completion for event in events],
            [event.client_event_id for event in events],
            [event.is_session for event in events],
            [event.has_client_time for event in events],
        )

    def __len__(self) -> int:
        return len(self.viewers)

    def only(self, positions: Sequence[int]) -> Self:
        """Return the events at these positions."""
        columns = (getattr(self, field.name) for field in fields(self))
        return type(self)(*(column and [column[position] for position in positions] for column in columns))

    def event(self, position: int, viewer: Key | None = None) -> NewEvent:
        """Return one event. `viewer`: in place of its own, such as the id of one who is named by a text."""
        return NewEvent(
            self.viewers[position] if viewer is None else viewer,
            self.movie_ids[position],
            self.kinds[position],
            self.moments[position],
            self.ratings[position],
            self.completions[position],
            self.event_ids[position],
            self.has_client_times is None or self.has_client_times[position],
            self.sessions[position],
        )


class EventStatus(StrEnum):
    """What became of an event."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    CONFLICT = "conflict"  # it is stored with other content


@dataclass(frozen=True, slots=True)
class EventResult:
    """What became of an event, and why.

    `viewer_version`: of `viewer_id`, as committed; None where the viewer was not touched. `fields`: those in which a
    conflicting event differs from the stored one.
    """

    status: EventStatus
    reason: str = ""
    viewer_version: int | None = None
    fields: tuple[str, ...] = ()
    viewer_id: int | None = None


class EventKey(NamedTuple):
    """What identifies an event: the natural key and the client's own id."""

    viewer_id: int
    occurred_at: datetime
    movie_id: int
    kind: int
    client_event_id: UUID | None


def event_key(event: NewEvent) -> EventKey:
    """Return what identifies the event."""
    return EventKey(event.viewer_id, event.occurred_at, event.movie_id, event.kind, event_number(event))


def event_number(event: NewEvent) -> UUID | None:
    """Return the client's own id of the event as it is stored."""
    return event.client_event_id.number if event.client_event_id else None
