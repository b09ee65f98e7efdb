"""Who a list is for: the events that the model reads, and the films that must not be listed again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from catalog import selectors
from catalog.external_ids import parse_external_id
from catalog.limits import parse_id
from catalog.selectors import CatalogueTable
from recommender.ml.data import Events
from recommender.packed import ExclusionCounts, StoredList
from recommender.serving.foreign_ids import film_numbers
from recommender.serving.query import Query
from recommender.viewing import Exclusions, exclusions_from, to_model_events

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker


@dataclass(slots=True)
class Subject:
    viewer_id: int | None
    version: int | None  # of the viewer's own history, read in one snapshot with it; None: a history that was sent
    events: Events
    barred: Exclusions
    sent: Sequence[str]  # the history of the request, as it came
    sent_ids: np.ndarray  # int32: the ids in it; 0 for what is none
    known: bool  # the viewer has a row
    age_limit: int | None = None  # years, of that snapshot too
    stored: StoredList | None = None  # in place of the history, while Postgres is gone

    @property
    def seen(self) -> np.ndarray:
        """Film ids: seen, disliked or not interested in; never listed."""
        return self.barred.movie_ids

    def ruled_out(self, table: CatalogueTable) -> ExclusionCounts:
        """Of the catalogue's films: what was sent may be anything."""
        if self.stored is not None:
            return self.stored.exclusion_counts
        return self.barred.select(table.rows_of(self.barred.movie_ids) >= 0).counts()

    def ignored(self, ranker: "Ranker | None") -> list[str]:
        """The films that were sent and that the model's list does not build on, as they came."""
        if ranker is None:
            return list(dict.fromkeys(self.sent))
        return self._sent_without(ranker.columns_of(self.sent_ids) >= 0)

    def not_among(self, movie_ids: np.ndarray) -> list[str]:
        """The films that were sent and are none of these, as they came."""
        return self._sent_without(np.isin(self.sent_ids, movie_ids))

    def _sent_without(self, used: np.ndarray) -> list[str]:
        if used.all():
            return []
        return list(dict.fromkeys(one for one, one_used in zip(self.sent, used, strict=True) if not one_used))


def film_id(text: str) -> int:
    """The film that a client means, by the catalogue's id or by one at IMDB or TMDB; 0, which is no film's, for
    anything else."""
    return int(film_ids([text])[0])


def film_ids(texts: Sequence[str]) -> np.ndarray:
    """int32 [n]: `film_id` of each; at once where all are short and of digits alone, as they nearly always are."""
    together = "".join(texts)
    if together.isascii() and together.isdigit() and all(0 < len(text) < 10 for text in texts):
        return np.array(list(map(int, texts)), np.int32)
    numbers = np.array(list(map(parse_id, texts)), np.int32)
    foreign = {place: found for place, text in enumerate(texts) if (found := parse_external_id(text))}
    if foreign:
        numbers[list(foreign)] = film_numbers(list(foreign.values()))
    return numbers


def subject(query: Query, history: selectors.History | None) -> Subject:
    """`history` is the viewer's own; None for a viewer who is not known or not named."""
    limit = None if history is None else history.age_limit
    sent = film_ids(query.history)
    if query.history:
        events = Events.from_ids(sent[sent > 0])
        never = exclusions_from(history, events.movie_ids)
        return Subject(query.user_id, None, events, never, query.history, sent, history is not None, limit)
    if history is None:
        return Subject(query.user_id, None, Events.from_ids([]), exclusions_from(None), (), sent, False)
    return Subject(
        history.viewer_id, history.version, to_model_events(history), exclusions_from(history), (), sent, True, limit
    )
