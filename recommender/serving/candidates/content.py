"""Lists for viewers of whom the model can read nothing: by the genres they like, or by films that it does not know."""

from collections.abc import Sequence

import numpy as np

from recommender.history import NEGATIVE_KINDS
from recommender.ml.data import Events
from recommender.movies.content_similarity import similarity_to_movie
from recommender.movies.snapshot import CatalogueSnapshot, EligibilityFilter
from recommender.serving.candidates import charts
from recommender.serving.candidates.model_scoring import RankedMovies

RECENT_MOVIES = 3  # of the history, whose kin is looked for


def popular_in_genres(
    eligibility: EligibilityFilter, k: int, exclude: np.ndarray, epoch: int, genres: Sequence[str]
) -> RankedMovies:
    """The k films that come first by popularity times the share of the liked genres that a film has (0..1). Below them,
    from 0 down, popular films of other genres."""
    numbers, _ = eligibility.snapshot.genre_index.lookup(genres)
    everything = charts.top_of_chart("popular", eligibility, len(eligibility.snapshot.table.ids), exclude, epoch)
    if not numbers:
        return RankedMovies(everything.movie_ids[:k], everything.scores[:k])
    share = _genre_shares(eligibility.snapshot, numbers)[eligibility.snapshot.table.rows_of(everything.movie_ids)]
    scores = np.where(share > 0, everything.scores * share, everything.scores - 1)
    first = np.lexsort((-share, -scores))[:k]  # stable: among equals the more popular, then the newer film
    return RankedMovies(everything.movie_ids[first], scores[first].astype(np.float32))


def _genre_shares(snapshot: CatalogueSnapshot, numbers: Sequence[int]) -> np.ndarray:
    """float [films]: the share of these genres that each film has."""
    liked = np.unique(numbers)
    running = np.concatenate([[0], np.cumsum(np.isin(snapshot.table.genre_of, liked))])
    return (running[snapshot.table.genre_start[1:]] - running[snapshot.table.genre_start[:-1]]) / len(liked)


def similar_to_history(
    eligibility: EligibilityFilter, k: int, exclude: np.ndarray, events: Events
) -> tuple[RankedMovies, np.ndarray]:
    """The k films most akin to the last ones of the history by genres, people and year (0..1, the mean over those), and
    the film ids that it was judged by. Films that have nothing in common with them are not listed."""
    table = eligibility.snapshot.table
    rows = table.rows_of(_positive_ids(events))
    last = rows[rows >= 0][-RECENT_MOVIES:]
    likeness = np.zeros(len(table.ids), np.float32)
    for row in last.tolist():
        likeness += _similarity_to(eligibility.snapshot, row)
    likeness /= max(len(last), 1)
    likeness[~eligibility.mask()] = likeness[last] = 0
    barred = table.rows_of(np.concatenate([exclude, eligibility.excluded_ids]))
    likeness[barred[barred >= 0]] = 0
    least = np.partition(likeness, -k)[-k] if len(likeness) > k else 0
    kin = np.flatnonzero((likeness >= least) & (likeness > 0))
    first = kin[np.argsort(-likeness[kin], kind="stable")[:k]]
    return RankedMovies(table.ids[first], likeness[first]), table.ids[last]


def _positive_ids(events: Events) -> np.ndarray:
    """Film ids in the order of the history, without those turned down."""
    ids, kinds = events.movie_ids, events.kinds
    return ids if kinds is None else ids[~np.isin(kinds, NEGATIVE_KINDS)]


def content_contributions(
    snapshot: CatalogueSnapshot, events: Events, movie_ids: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """The films that `by_content` judged by, int32 [C], and what each adds to the scores of `movie_ids`, [C, K]."""
    table = snapshot.table
    rows, listed = table.rows_of(_positive_ids(events)), table.rows_of(np.array(movie_ids))
    last = rows[rows >= 0][-RECENT_MOVIES:]
    parts = [_similarity_to(snapshot, row)[listed] / len(last) for row in last.tolist()]
    return table.ids[last], np.array(parts).reshape(len(last), len(listed))


def _similarity_to(snapshot: CatalogueSnapshot, row: int) -> np.ndarray:
    return snapshot.cached_array("kinship", row, similarity_to_movie)
