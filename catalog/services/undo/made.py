"""Notes of what a write made, so that it can be taken back later."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class RecordKind(StrEnum):
    """Kinds of records that are taken back one by one, in the order in which they go: users before what they use."""

    VIEWERS = "viewers"
    MOVIES = "movies"
    CREDITS = "credits"
    PEOPLE = "people"
    GENRES = "genres"
    TAGS = "tags"


@dataclass(slots=True)
class MadeRecords:
    """What writes made; hand one in to have it filled."""

    event_ranges: list[tuple[int, int]] = field(default_factory=list)  # ids of new events: from one, below another
    renewed_events: dict[int, int] = field(default_factory=dict)  # progress that went on: former id -> id
    created: dict[RecordKind, set[int]] = field(default_factory=lambda: {kind: set() for kind in RecordKind})
    written: dict[RecordKind, set[int]] = field(default_factory=lambda: {kind: set() for kind in RecordKind})
    changed: int = 0  # records that were there before and were written to, beside those in `written`
    unrecorded: str = ""  # why it is not noted what was made; nothing else is filled then

    def add_events(
        self, ranges: Iterable[tuple[int, int]], renewed: Mapping[int, int], new_viewers: Iterable[int]
    ) -> None:
        """Note what a block of events made, as catalog.services.RecordedBlock has it."""
        self.event_ranges += ranges
        self.renewed_events.update(renewed)
        self.add(RecordKind.VIEWERS, new_viewers)

    def add(self, kind: RecordKind, created: Iterable[int], written: Iterable[int] = ()) -> None:
        """Note records that were created, and others of the kind that were written."""
        self.created[kind].update(created)
        self.written[kind].update(written)
