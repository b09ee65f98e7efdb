"""Why a movie is listed: the watched movies that raised its score most, and what the catalogue says they share.

Nothing is claimed that was not computed: a movie whose score no watched movie raised gets no cause, only what it has in
common with what was watched; and a popular list says that it is popular.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.models import Credit
from catalog.selectors import CatalogueTable
from recommender.ml.data import Events
from recommender.movies.series import series_of
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.candidates.content import content_similarity, last_rows
from recommender.serving.common_ground import CommonGround
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.response import Cause, Source
from recommender.serving.viewer import ViewerProfile
from recommender.serving.wording.texts import Text

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

DIRECTOR = int(Credit.Role.DIRECTOR)
MAX_CAUSES = 2  # watched movies named for each listed one
MIN_EFFECT = 0.01  # of a score; below it the model says nothing
MAX_NAMES = 3  # people or genres in a fact
POPULAR = Text("Popular with other viewers.")


class Reasons(NamedTuple):
    """Why a movie is listed, before it is put into words."""

    causes: list[Cause]  # most telling first
    fact: Text | None  # what the movie and a cause have in common; None where nothing is known


class _Watched(NamedTuple):
    """Where a watched movie is in the catalogue."""

    film: int  # the first row of it, -1 for none
    row: int


def explain_movies(
    movie_ids: Sequence[int],
    source: Source,
    viewers: Sequence[ViewerProfile],
    audience: Sequence[ViewerProfile],
    ranker: "Ranker | None",
    eligibility: EligibilityFilter,
    requested_at: int | None,
    state: np.ndarray | None = None,
) -> list[Reasons]:
    """Explain each of the listed movies, in order, by the histories and the model that the list was made from.

    `audience`: who reads it. No explanation names a movie that one of them did not watch, or above the filter's age
    limit. `requested_at`: unix seconds, as the list was asked for. `state`: what the model made of the one history that
    the list is of, where it is known.
    """
    ground, rows = CommonGround(eligibility, audience), eligibility.snapshot.table.rows_of(np.array(movie_ids)).tolist()
    if source == "popular":
        return [Reasons([], (ground.describe(row) if row >= 0 else None) or POPULAR) for row in rows]
    shared_ids, doubles = ground.shared_ids, eligibility.snapshot.doubles
    films = doubles.films_of(np.array(movie_ids))
    strongest: dict[int, dict[int, float]] = {movie: {} for movie in movie_ids}  # listed -> watched -> effect
    for viewer in viewers:
        if source == "similar":
            watched, effects = _content_effects(eligibility.snapshot, viewer.events, movie_ids)
        else:
            watched, effects = _model_effects(ranker, viewer, movie_ids, requested_at, state)
        is_cause = (effects >= MIN_EFFECT) & np.isin(watched, shared_ids)[:, None]
        is_cause &= doubles.films_of(watched)[:, None] != films  # a film that was seen is no reason for itself
        causes, listed = np.nonzero(is_cause)
        for cause, place, effect in zip(
            watched[causes].tolist(), listed.tolist(), effects[is_cause].tolist(), strict=True
        ):
            of_movie = strongest[movie_ids[place]]
            of_movie[cause] = max(effect, of_movie.get(cause, 0.0))
    watched_ids = np.unique(np.array([cause for effects in strongest.values() for cause in effects], np.int32))
    columns = (watched_ids, doubles.films_of(watched_ids), eligibility.snapshot.table.rows_of(watched_ids))
    named = {movie: _Watched(film, row) for movie, film, row in zip(*(c.tolist() for c in columns), strict=True)}
    found = [_reasons(eligibility, row, strongest[movie], named) for movie, row in zip(movie_ids, rows, strict=True)]
    return [
        reasons._replace(fact=ground.describe(row)) if reasons.fact is None and row >= 0 else reasons
        for reasons, row in zip(found, rows, strict=True)
    ]


def _content_effects(
    snapshot: CatalogueSnapshot, events: Events, movie_ids: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the movies of the history that `similar_to_history` went by, int32 [C], and what each adds to the scores
    of the listed ones, float32 [C, K]."""
    table, last = snapshot.table, last_rows(snapshot, events)
    listed = table.rows_of(np.array(movie_ids))
    effects = [content_similarity(snapshot, row)[listed] / len(last) for row in last.tolist()]
    return table.ids[last], np.array(effects).reshape(len(last), len(listed))


def _model_effects(
    ranker: "Ranker | None",
    viewer: ViewerProfile,
    movie_ids: Sequence[int],
    requested_at: int | None,
    state: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return watched movies [C] and their effects on the listed ones [C, K]; 0 on one that the model does not know."""
    if ranker is None:
        return np.empty(0, np.int32), np.empty((0, len(movie_ids)))
    from recommender.ml.attribution import leave_one_out_effects  # torch: only a process that has a model pays for it

    listed = np.array(movie_ids)
    known = ranker.columns_of(listed) >= 0
    watched, effects_on_known = leave_one_out_effects(
        ranker, viewer.events, listed[known].tolist(), requested_at, state
    )
    effects = np.zeros((len(watched), len(listed)))
    effects[:, known] = effects_on_known
    return watched, effects


def _reasons(
    eligibility: EligibilityFilter, listed_row: int, effect_of: dict[int, float], watched: Mapping[int, _Watched]
) -> Reasons:
    strongest: dict[int, tuple[int, float]] = {}  # of doubles that were both watched, the one that says more
    for cause in sorted(effect_of.items(), key=lambda item: -item[1]):
        strongest.setdefault(watched[cause[0]].film, cause)
    causes, fact = [], None
    for movie, effect in list(strongest.values())[:MAX_CAUSES]:
        row = watched[movie].row
        if row < 0 or not eligibility.may_mention(row):
            continue
        causes.append(Cause(movie, eligibility.snapshot.table.titles[row], round(effect, 4)))
        if fact is None and listed_row >= 0:
            fact = shared_attributes(eligibility.snapshot, listed_row, row)
    return Reasons(causes, fact)


def shared_attributes(snapshot: CatalogueSnapshot, row: int, other: int) -> Text | None:
    """Return what the movie at `row` shares with the other, the most telling of series, director, cast, genres."""
    table, series = snapshot.table, series_of(snapshot)
    if series[row] >= 0 and series[row] == series[other]:
        return Text("Of the same series as {film}.", (other,))
    credits = _credits(table, row)
    others = set(_credits(table, other)) if credits else ()
    shared = [credit for credit in credits if credit in others]
    directing = [credit for credit in shared if credit[1] == DIRECTOR]
    if people := [table.person_names[person] for person, _ in (directing or shared)[:MAX_NAMES]]:
        text = "Directed by {person}, like {film}." if directing else "With {person}, like {film}."
        return Text(text, (other,), people=people)
    if table.ids[row] == table.ids[other]:
        return None
    other_genres = table.genre_of[_entries(table.genre_start, other)].tolist()
    genres = table.genre_of[_entries(table.genre_start, row)].tolist()
    names = [table.genre_names[genre] for genre in genres if genre in other_genres][:MAX_NAMES]
    return Text("{genre}, like {film}.", (other,), genres=names) if names else None


def _credits(table: CatalogueTable, row: int) -> list[tuple[int, int]]:
    """Return person and role of the credits of the movie at `row`."""
    entries = _entries(table.credit_start, row)
    if entries.start == entries.stop:
        return []
    return list(zip(table.credit_person[entries].tolist(), table.credit_role[entries].tolist(), strict=True))


def _entries(starts: np.ndarray, row: int) -> slice:
    return slice(*starts[row : row + 2].tolist())
