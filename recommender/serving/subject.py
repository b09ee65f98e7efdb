"""Who a list is for: the events that the model reads, and the films that must not be listed again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalog import selectors
from recommender.ml.data import Events
from recommender.serving.query import Query
from recommender.viewing import events_of, never_again

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

LARGEST_ID = 2**31 - 1


@dataclass(slots=True)
class Subject:
    viewer_id: int | None
    version: int | None  # of the viewer's own history, read in one snapshot with it; None: a history that was sent
    events: Events
    seen: np.ndarray  # film ids: seen, disliked or not interested in; never listed
    sent: Sequence[str]  # the history of the request, as it came
    known: bool  # the viewer has a row

    def ignored(self, ranker: "Ranker | None") -> list[str]:
        """The films that were sent and that the list does not build on, as they came."""
        if not self.sent:
            return []
        if ranker is None:
            return list(dict.fromkeys(self.sent))
        ids = [film_id(one) for one in self.sent]
        known = ranker.index(np.array(ids, np.int32)) >= 0
        return list(dict.fromkeys(one for one, found in zip(self.sent, known, strict=True) if not found))


def film_id(text: str) -> int:
    """The film id that a client wrote; 0, which is no film's, for anything else."""
    return number if text.isascii() and text.isdigit() and (number := int(text[:11])) <= LARGEST_ID else 0


def subject(query: Query, history: selectors.History | None) -> Subject:
    """`history` is the viewer's own; None for a viewer who is not known or not named."""
    own = np.empty(0, np.int32) if history is None else never_again(history)
    if query.history:
        events = Events.from_ids([number for one in query.history if (number := film_id(one))])
        seen = np.concatenate([own, events.movie_ids])
        return Subject(query.user_id, None, events, seen, query.history, history is not None)
    if history is None:
        return Subject(query.user_id, None, Events.from_ids([]), own, (), False)
    return Subject(history.viewer_id, history.version, events_of(history), own, (), True)
