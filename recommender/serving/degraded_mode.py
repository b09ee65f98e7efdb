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
from recommender.history import Exclusions, has_known_movies
from recommender.ml.data import Events
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.candidates import model_scoring
from recommender.serving.candidates.model_scoring import RankedMovies
from recommender.serving.request import Answer
from recommender.serving.viewer import ViewerProfile, parse_movie_ids

if TYPE_CHECKING:
    from recommender.serving.pipeline import RequestContext


def viewer_from_stored_list(context: "RequestContext") -> ViewerProfile | None:
    """In place of the viewer's history, while it cannot be read: every film but those of the viewer's list is barred.
    None where there is no valid list."""
    stored, query = context.cache_read.current_list(), context.request
    if stored is None:
        return None
    context.degraded = True
    sent = parse_movie_ids(query.history)
    others = np.setdiff1d(context.eligibility.snapshot.table.ids, np.setdiff1d(stored.movie_ids, sent))
    barred = Exclusions(others.astype(np.int32), np.zeros(len(others), np.int8))
    known = bool(context.cache_read.versions.viewer)
    events = Events.from_ids(sent[sent > 0])
    return ViewerProfile(query.viewer_id, None, events, barred, query.history, sent, known, stored.age_limit, stored)


def answer_from_stored_list(context: "RequestContext", viewer: ViewerProfile) -> Answer:
    """What the list still has, shorter than was asked for if need be; in the model's order for a history that was
    sent. Raises OperationalError where nothing of it may be shown: that the catalogue has nothing would not be true."""
    from recommender.serving.pipeline import active_ranker, build_answer, eligible_top

    assert viewer.stored_list is not None
    films, ranker = (
        RankedMovies(viewer.stored_list.movie_ids, viewer.stored_list.scores),
        active_ranker(context.cache_read),
    )
    asked = len(viewer.posted_history) > 0 and ranker is not None and has_known_movies(viewer.events, ranker)
    if asked and ranker is not None:
        scores = model_scoring.score_movies(
            ranker, model_scoring.encode_viewers(ranker, [viewer], context.request.requested_at), films.movie_ids
        )
        order = np.argsort(-scores, kind="stable")
        films = RankedMovies(films.movie_ids[order], scores[order])
    unsent = ~np.isin(films.movie_ids, viewer.posted_ids)
    kept = eligible_top(context, RankedMovies(films.movie_ids[unsent], films.scores[unsent]))
    if not len(kept.movie_ids):
        raise OperationalError("Postgres is gone, and nothing of the stored list may be shown.")
    answer = build_answer(context, kept, "model" if asked else "cache", viewer.stored_list.model, known=viewer.exists)
    answer.unused_history = viewer.unused_history(ranker if asked else None)
    return answer


def load_movie_cards(movie_ids: Collection[int], snapshot: CatalogueSnapshot) -> dict[int, selectors.MovieCard]:
    """Titles from Postgres, or from memory, where there are no posters."""
    with suppress(*selectors.DATABASE_ERRORS):
        return selectors.movie_cards(movie_ids)
    table = snapshot.table
    rows = zip(movie_ids, table.rows_of(np.array(list(movie_ids), np.int32)).tolist(), strict=True)
    return {movie: _card_from_memory(table, movie, row) for movie, row in rows if row >= 0}


def _card_from_memory(table: selectors.CatalogueTable, movie: int, row: int) -> selectors.MovieCard:
    genres = table.genre_of[table.genre_start[row] : table.genre_start[row + 1]]
    year = int(table.year[row]) or None
    return selectors.MovieCard(movie, table.titles[row], year, [table.genre_names[one] for one in genres], "")
