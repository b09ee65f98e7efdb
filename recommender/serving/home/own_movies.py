"""Movies of the viewer's own history that a home page offers: to go on with, and to watch again."""

from typing import NamedTuple

import numpy as np
from django.conf import settings

from catalog.models import WatchEvent
from catalog.selectors import History
from recommender.history import seen_movies
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.taste import LikedMovies

DAY = 86_400  # seconds
# Kinds of events that are a viewing.
VIEWINGS = (WatchEvent.Kind.WATCH, WatchEvent.Kind.RATING, WatchEvent.Kind.REWATCH, WatchEvent.Kind.PROGRESS)
NO_ROWS = np.empty(0, np.int64)


class OwnMovies(NamedTuple):
    """Rows of the catalogue's table, int64."""

    started: np.ndarray = NO_ROWS  # the one watched last first
    completions: np.ndarray = np.empty(0, np.float32)  # of those: how much was watched, 0..1
    again: np.ndarray = NO_ROWS  # seen long ago and liked, the one seen last first


def find_own_movies(
    history: History, snapshot: CatalogueSnapshot, allowed: np.ndarray, liked: LikedMovies, now: int
) -> OwnMovies:
    """Find what may be shown of a history (`allowed`, bool [movies]): started within MOVIEREC_CONTINUE_DAYS and not
    finished, nor seen in a double; and liked strongly or rewatched, and not seen for MOVIEREC_WATCH_AGAIN_DAYS. `now`:
    unix seconds."""
    table, doubles = snapshot.table, snapshot.doubles
    started = np.flatnonzero(history.kinds == WatchEvent.Kind.PROGRESS)[::-1]
    started = started[history.occurred_at[started] >= now - settings.CONTINUE_DAYS * DAY]
    rows = table.rows_of(history.movie_ids[started])
    shown = (rows >= 0) & allowed[rows]
    shown &= ~np.isin(history.movie_ids[started], doubles.other_ids(seen_movies(history)))

    is_recent = np.isin(history.kinds, VIEWINGS) & (history.occurred_at > now - settings.WATCH_AGAIN_DAYS * DAY)
    loved = (
        np.isin(liked.rows, table.rows_of(history.movie_ids[history.kinds == WatchEvent.Kind.REWATCH])) | liked.strongly
    )
    again = liked.rows[loved & allowed[liked.rows]]
    again = again[~np.isin(again, doubles.all_rows(table.rows_of(history.movie_ids[is_recent])))]
    return OwnMovies(rows[shown], history.completions[started][shown], again)
