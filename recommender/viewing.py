"""A viewer's history as the model reads it, and what it rules out: the same rules for serving and for the batch."""

from typing import TYPE_CHECKING

import numpy as np

from catalog.selectors import History
from recommender.ml.data import DISLIKE, NOT_INTERESTED, RATING, WATCH, Events

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

AGAINST = (DISLIKE, NOT_INTERESTED)


def events_of(history: History) -> Events:
    return Events(history.movie_ids, history.occurred_at, history.kinds, history.ratings, history.completions)


def never_again(history: History) -> np.ndarray:
    """Film ids that were seen (watched or rated), disliked or waved away: never listed."""
    return np.unique(history.movie_ids[np.isin(history.kinds, (WATCH, RATING, *AGAINST))])


def readable(events: Events, ranker: "Ranker") -> bool:
    """Whether the model has anything to go by: a film that it knows and that the viewer did not merely reject."""
    ids, kinds = events.movie_ids, events.kinds
    return bool((ranker.index(ids if kinds is None else ids[~np.isin(kinds, AGAINST)]) >= 0).any())
