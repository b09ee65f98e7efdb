"""What can be answered while Postgres is gone: from the stored lists, and from this process's memory of the films.

The films of a list that is valid are unseen by its viewer and within their age limit; of other films nobody could say
so. They are the whole choice then, and a viewer without such a list is told to come back.
"""

from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from django.db import OperationalError

from catalog import selectors
from recommender.ml.data import Events
from recommender.serving import ranking
from recommender.serving.eligibility import Catalogue
from recommender.serving.query import Answer
from recommender.serving.ranking import Ranked
from recommender.serving.subject import Subject, film_ids
from recommender.viewing import Exclusions, has_known_movies

if TYPE_CHECKING:
    from recommender.serving.recommend import Sitting


def own_history(sitting: "Sitting") -> Subject | None:
    """In place of the viewer's history, while it cannot be read: every film but those of the viewer's list is barred.
    None where there is no valid list."""
    stored, query = sitting.look.valid_list(), sitting.query
    if stored is None:
        return None
    sitting.degraded = True
    sent = film_ids(query.history)
    others = np.setdiff1d(sitting.gate.catalogue.table.ids, np.setdiff1d(stored.movie_ids, sent))
    barred = Exclusions(others.astype(np.int32), np.zeros(len(others), np.int8))
    known = bool(sitting.look.stamps.viewer)
    events = Events.from_ids(sent[sent > 0])
    return Subject(query.user_id, None, events, barred, query.history, sent, known, stored.age_limit, stored)


def from_list(sitting: "Sitting", who: Subject) -> Answer:
    """What the list still has, shorter than was asked for if need be; in the model's order for a history that was
    sent. Raises OperationalError where nothing of it may be shown: that the catalogue has nothing would not be true."""
    from recommender.serving.recommend import active_ranker, answered, cut

    assert who.stored is not None
    films, ranker = Ranked(who.stored.movie_ids, who.stored.scores), active_ranker(sitting.look)
    asked = len(who.sent) > 0 and ranker is not None and has_known_movies(who.events, ranker)
    if asked and ranker is not None:
        scores = ranking.rated(ranker, ranking.states(ranker, [who], sitting.query.at), films.movie_ids)
        order = np.argsort(-scores, kind="stable")
        films = Ranked(films.movie_ids[order], scores[order])
    unsent = ~np.isin(films.movie_ids, who.sent_ids)
    kept = cut(sitting, Ranked(films.movie_ids[unsent], films.scores[unsent]))
    if not len(kept.movie_ids):
        raise OperationalError("Postgres is gone, and nothing of the stored list may be shown.")
    answer = answered(sitting, kept, "model" if asked else "cache", who.stored.model, known=who.known)
    answer.ignored_history = who.ignored(ranker if asked else None)
    return answer


def cards(movie_ids: Collection[int], films: Catalogue) -> dict[int, selectors.MovieCard]:
    """Titles from Postgres, or from memory, where there are no posters."""
    with suppress(*selectors.DATABASE_ERRORS):
        return selectors.movie_cards(movie_ids)
    table = films.table
    rows = zip(movie_ids, table.rows_of(np.array(list(movie_ids), np.int32)).tolist(), strict=True)
    return {movie: _card(table, movie, row) for movie, row in rows if row >= 0}


def _card(table: selectors.CatalogueTable, movie: int, row: int) -> selectors.MovieCard:
    genres = table.genre_of[table.genre_start[row] : table.genre_start[row + 1]]
    year = int(table.year[row]) or None
    return selectors.MovieCard(movie, table.titles[row], year, [table.genre_names[one] for one in genres], "")
