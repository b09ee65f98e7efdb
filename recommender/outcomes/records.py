"""What a viewer did with a film, on its way to the list that it came of."""

import struct
import time
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.conf import settings

from recommender.models import Outcome
from recommender.record_log import OUTCOMES, add_records

_HEAD = struct.Struct("<iidd9s")  # viewer, film, when it happened, when it was received; kinds
_KINDS = {
    "impression": (Outcome.Kind.IMPRESSION,),
    "click": (Outcome.Kind.CLICK,),
    "watch": (Outcome.Kind.PLAY, Outcome.Kind.COMPLETION),
    "progress": (Outcome.Kind.PLAY, Outcome.Kind.COMPLETION),
    "rewatch": (Outcome.Kind.PLAY, Outcome.Kind.COMPLETION),
    "like": (Outcome.Kind.LIKE,),
    "rating": (Outcome.Kind.RATING,),
    "watchlist": (Outcome.Kind.WATCHLIST,),
    "not_interested": (Outcome.Kind.NOT_INTERESTED,),
    "dislike": (Outcome.Kind.DISLIKE,),
}


class OutcomeRecord(NamedTuple):
    """Something that a viewer did with a film."""

    viewer_id: int
    movie_id: int
    occurred_at: float  # unix seconds, by the client's clock
    received_at: float  # unix seconds
    kinds: tuple[int, ...]  # of Outcome.Kind
    list_id: str  # as the client named it; "" where it named none

    def pack(self) -> bytes:
        """Return the record as bytes."""
        head = _HEAD.pack(self.viewer_id, self.movie_id, self.occurred_at, self.received_at, bytes(self.kinds))
        return head + self.list_id.encode()

    @classmethod
    def unpack(cls, packed: bytes) -> "OutcomeRecord":
        """Return the record that `pack` made bytes of. Raises struct.error for other bytes."""
        viewer_id, movie_id, occurred_at, received_at, kinds = _HEAD.unpack_from(packed)
        of_record = tuple(kind for kind in kinds if kind)
        return cls(viewer_id, movie_id, occurred_at, received_at, of_record, packed[_HEAD.size :].decode())


def kinds_of(kind: str, completion: float | None) -> tuple[int, ...]:
    """Return what an event counts as; nothing for one that takes something back."""
    kinds = _KINDS.get(kind, ())
    if completion is not None and completion < settings.SEEN_SHARE:
        kinds = tuple(of_event for of_event in kinds if of_event != Outcome.Kind.COMPLETION)
    return tuple(map(int, kinds))


def note_outcomes(events: Iterable[tuple[int, int, str, datetime, float | None, str]]) -> None:
    """Hand over what viewers did: viewer, film, kind, time, completion (0..1) and the list as the client named it."""
    now = time.time()
    records = [
        OutcomeRecord(viewer_id, movie_id, occurred_at.timestamp(), now, kinds, list_id)
        for viewer_id, movie_id, kind, occurred_at, completion, list_id in events
        if (kinds := kinds_of(kind, completion))
    ]
    if records:
        add_records(OUTCOMES, [record.pack() for record in records])
