"""A viewer's history as the model reads it, and the movies that it excludes: one set of rules for request and batch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.last_word import PAST_RATING
from catalog.selectors import History
from recommender.cache import ExclusionCounts
from recommender.ml.data import (
    DISLIKE,
    LIKE,
    MAX_DISLIKED_STARS,
    MIN_LIKED_STARS,
    NOT_INTERESTED,
    RATING,
    WATCH,
    WATCHLIST,
    Events,
)

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker
    from recommender.movies.doubles import Doubles

MAX_POSTED_EVENTS = 1_000  # that the model reads; all of them are barred from lists
NEGATIVE_KINDS = (DISLIKE, NOT_INTERESTED)
_NO_MOVIES, _ALL_WATCHED = np.empty(0, np.int32), np.full(1, WATCH, np.int8)
_IS_NEGATIVE = np.isin(np.arange(16), NEGATIVE_KINDS)  # by kind
# By kind of what holds: the field of ExclusionCounts that it counts for; -1 where it excludes nothing.
_SEEN = 0
_REASONS = np.full(16, -1, np.int8)
_REASONS[[WATCH, RATING, DISLIKE, NOT_INTERESTED]] = _SEEN, _SEEN, 1, 2


def to_model_events(history: History) -> Events:
    """Return the history in the columns and kinds that the model reads."""
    events = Events(history.movie_ids, history.occurred_at, history.kinds, history.ratings, history.completions)
    return select_model_events(events)[0]


def select_model_events(events: Events) -> tuple[Events, np.ndarray | slice]:
    """Return those of the events that hold which the model reads, and their rows: int64 [m], or a slice of all.

    It reads what was seen, and opinions; not what was merely started, nor rewatches. Of a film that was unwatched, good
    and bad stars are a like and a dislike. No column may be missing.
    """
    kinds, ratings = np.asarray(events.kinds), np.asarray(events.ratings)
    if not (kinds > WATCHLIST).any():
        return events, slice(None)
    kinds, past = kinds.copy(), kinds == PAST_RATING
    kinds[past & (ratings >= MIN_LIKED_STARS)] = LIKE
    kinds[past & (ratings <= MAX_DISLIKED_STARS)] = DISLIKE
    rows = np.flatnonzero(kinds <= WATCHLIST)
    columns = events._replace(kinds=kinds)
    return Events(*(np.asarray(column)[rows] for column in columns)), rows


def posted_events(movie_ids: np.ndarray) -> Events:
    """Return what the model reads of a history that came with a request, int32 [n], oldest first: the newest."""
    return Events.from_ids(movie_ids[-MAX_POSTED_EVENTS:])


class Exclusions(NamedTuple):
    """The movies that are not listed again, each once with its reason: the index of a field of ExclusionCounts."""

    movie_ids: np.ndarray  # int32 [n]
    reasons: np.ndarray  # int8 [n]

    def counts(self) -> ExclusionCounts:
        """Count the movies by reason."""
        return ExclusionCounts(*np.bincount(self.reasons, minlength=len(ExclusionCounts._fields)).tolist())

    def select(self, keep: np.ndarray) -> "Exclusions":
        """Return those of the mask `keep`, bool [n]."""
        return Exclusions(self.movie_ids[keep], self.reasons[keep])

    def with_doubles(self, doubles: "Doubles") -> "Exclusions":
        """Return them with their doubles, each for the first reason that holds of its film."""
        others = doubles.other_ids(self.movie_ids)
        if not len(others):
            return self
        films = doubles.films_of(self.movie_ids)
        order = np.lexsort((self.reasons, films))
        places = order[np.searchsorted(films[order], doubles.films_of(others))]
        return Exclusions(np.append(self.movie_ids, others), np.append(self.reasons, self.reasons[places]))


def exclusions_from(history: History | None, posted: np.ndarray | None = None, *, with_seen: bool = True) -> Exclusions:
    """Collect the movies of a history that were watched, rated, disliked or turned down; and all `posted` ones, int32.

    `posted`: a history that came with the request, whose movies count as seen. Without `with_seen` those that were
    disliked or turned down alone.
    """
    ids, reasons = np.empty(0, np.int32), np.empty(0, np.int8)
    if history is not None:
        reasons = _REASONS[history.kinds]
        chosen = reasons >= (_SEEN if with_seen else _SEEN + 1)
        ids, reasons = history.movie_ids[chosen], reasons[chosen]
    if posted is not None and with_seen:
        ids, reasons = np.append(ids, posted), np.append(reasons, np.full(len(posted), _SEEN, np.int8))
    return _with_first_reasons(ids, reasons)


def seen_movies(history: History | None, posted: np.ndarray | None = None, *, liked: bool = False) -> np.ndarray:
    """Return the movies that were watched or rated, and all `posted` ones, int32 [n], ascending, each once.

    `liked`: without those that got bad stars.
    """
    ids = np.empty(0, np.int32) if posted is None else posted
    if history is not None:
        seen = np.unique(history.movie_ids[_REASONS[history.kinds] == _SEEN])
        if liked:
            is_bad = (history.kinds == RATING) & (history.ratings <= MAX_DISLIKED_STARS)
            seen = np.setdiff1d(seen, history.movie_ids[is_bad])
        ids = np.append(ids, seen)
    return np.unique(ids).astype(np.int32)


def merge_exclusions(exclusions: Sequence[Exclusions]) -> Exclusions:
    """Collect the movies that any viewer of a group excludes, all for one reason: theirs would tell on somebody."""
    ids = np.unique(np.concatenate([viewer.movie_ids for viewer in exclusions]))
    return Exclusions(ids.astype(np.int32), np.zeros(len(ids), np.int8))


def _with_first_reasons(ids: np.ndarray, reasons: np.ndarray) -> Exclusions:
    """Keep each movie once, for the first reason that holds."""
    order = np.lexsort((reasons, ids))
    first = np.append(True, ids[order][1:] != ids[order][:-1])[: len(ids)]
    return Exclusions(ids[order][first].astype(np.int32), reasons[order][first])


def has_known_movies(events: Events, ranker: "Ranker") -> bool:
    """Return whether the model can read anything: a movie that it knows and that was not merely turned down."""
    return bool(have_known_movies([events], ranker)[0])


def have_known_movies(histories: Sequence[Events], ranker: "Ranker") -> np.ndarray:
    """Return `has_known_movies` of each history, bool [n]."""
    lengths = [len(events.movie_ids) for events in histories]
    known = ranker.columns_of(np.concatenate([_NO_MOVIES, *(events.movie_ids for events in histories)])) >= 0
    kinds = [_ALL_WATCHED[:0]]
    for events, length in zip(histories, lengths, strict=True):
        kinds.append(np.broadcast_to(_ALL_WATCHED, length) if events.kinds is None else events.kinds)
    known &= ~_IS_NEGATIVE[np.concatenate(kinds)]
    return np.bincount(np.repeat(np.arange(len(lengths)), lengths), known, minlength=len(lengths)) > 0
