"""Who a list is for: the events that the model reads, and the films that must not be listed again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalog import selectors
from catalog.external_ids import parse_external_id
from catalog.limits import parse_id
from catalog.selectors import CatalogueTable
from recommender.cache.codec import ExclusionCounts, StoredList
from recommender.history import Exclusions, exclusions_from, to_model_events
from recommender.ml.data import Events
from recommender.serving.movie_ids import resolve_external_ids
from recommender.serving.request import RecommendRequest

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker


@dataclass(slots=True)
class ViewerProfile:
    viewer_id: int | None
    version: int | None  # of the viewer's own history, read in one snapshot with it; None: a history that was sent
    events: Events
    seen_items: Exclusions
    posted_history: Sequence[str]  # the history of the request, as it came
    posted_ids: np.ndarray  # int32: the ids in it; 0 for what is none
    exists: bool  # the viewer has a row
    age_limit: int | None = None  # years, of that snapshot too
    stored_list: StoredList | None = None  # in place of the history, while Postgres is gone

    @property
    def seen_ids(self) -> np.ndarray:
        """Film ids: seen, disliked or not interested in; never listed."""
        return self.seen_items.movie_ids

    def exclusion_counts(self, table: CatalogueTable) -> ExclusionCounts:
        """Of the catalogue's films: what was sent may be anything."""
        if self.stored_list is not None:
            return self.stored_list.exclusion_counts
        return self.seen_items.select(table.rows_of(self.seen_items.movie_ids) >= 0).counts()

    def unused_history(self, ranker: "Ranker | None") -> list[str]:
        """The films that were sent and that the model's list does not build on, as they came."""
        if ranker is None:
            return list(dict.fromkeys(self.posted_history))
        return self._posted_without(ranker.columns_of(self.posted_ids) >= 0)

    def posted_except(self, movie_ids: np.ndarray) -> list[str]:
        """The films that were sent and are none of these, as they came."""
        return self._posted_without(np.isin(self.posted_ids, movie_ids))

    def _posted_without(self, used: np.ndarray) -> list[str]:
        if used.all():
            return []
        return list(dict.fromkeys(one for one, one_used in zip(self.posted_history, used, strict=True) if not one_used))


def parse_movie_id(text: str) -> int:
    """The film that a client means, by the catalogue's id or by one at IMDB or TMDB; 0, which is no film's, for
    anything else."""
    return int(parse_movie_ids([text])[0])


def parse_movie_ids(written_ids: Sequence[str]) -> np.ndarray:
    """int32 [n]: `film_id` of each; at once where all are short and of digits alone, as they nearly always are."""
    together = "".join(written_ids)
    if together.isascii() and together.isdigit() and all(0 < len(text) < 10 for text in written_ids):
        return np.array(list(map(int, written_ids)), np.int32)
    numbers = np.array(list(map(parse_id, written_ids)), np.int32)
    foreign = {place: found for place, text in enumerate(written_ids) if (found := parse_external_id(text))}
    if foreign:
        numbers[list(foreign)] = resolve_external_ids(list(foreign.values()))
    return numbers


def build_profile(request: RecommendRequest, history: selectors.History | None) -> ViewerProfile:
    """`history` is the viewer's own; None for a viewer who is not known or not named."""
    limit = None if history is None else history.age_limit
    sent = parse_movie_ids(request.history)
    if request.history:
        events = Events.from_ids(sent[sent > 0])
        never = exclusions_from(history, events.movie_ids)
        return ViewerProfile(request.viewer_id, None, events, never, request.history, sent, history is not None, limit)
    if history is None:
        return ViewerProfile(request.viewer_id, None, Events.from_ids([]), exclusions_from(None), (), sent, False)
    return ViewerProfile(
        history.viewer_id, history.version, to_model_events(history), exclusions_from(history), (), sent, True, limit
    )
