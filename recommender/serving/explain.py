"""Why a film is listed: the watched films that moved its score most, and what the catalogue says they have in common.

Nothing is claimed that was not computed: a film whose score no watched film raised gets no reason, and a popular list
says that it is popular.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog import selectors
from catalog.models import Credit
from recommender import registry
from recommender.movies.series import series_of
from recommender.movies.snapshot import CatalogueSnapshot, EligibilityFilter
from recommender.serving.candidates.content import content_contributions
from recommender.serving.request import Answer, RecommendRequest
from recommender.serving.viewer import ViewerProfile, build_profile

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

DIRECTOR = int(Credit.Role.DIRECTOR)
MAX_CAUSES = 2  # watched films named for each listed one
MIN_EFFECT = 0.01  # of a score; below it the model says nothing
MAX_NAMES = 3  # people or genres in a fact
POPULAR = "Popular with other viewers."


class Cause(NamedTuple):
    movie_id: int  # watched
    title: str
    effect: float  # how much lower the listed film's score would be without it


class Explanation(NamedTuple):
    causes: list[Cause]  # most telling first
    fact: str  # "" where there is none


def explain_answer(request: RecommendRequest, answer: Answer, eligibility: EligibilityFilter) -> list[Explanation]:
    """One for each film of the answer, in order. No reason names a film above the gate's age limit."""
    listed = [one.movie_id for one in answer.recommendations]
    moved = _causes_by_movie(request, answer, eligibility.snapshot, listed)
    return [_explanation(eligibility, movie, found, answer.source) for movie, found in zip(listed, moved, strict=True)]


def _causes_by_movie(
    query: RecommendRequest, answer: Answer, films: CatalogueSnapshot, listed: list[int]
) -> list[list[tuple[int, float]]]:
    """For each listed film the watched ones that raised its score, the strongest first."""
    found: dict[int, dict[int, float]] = {movie: {} for movie in listed}
    for who in _viewers(query) if answer.source != "popular" else ():
        tried, effects = _effects(who, query, answer, films, listed)
        for watched, row in zip(tried.tolist(), effects.tolist(), strict=True):
            for movie, effect in zip(listed, row, strict=True):
                if effect >= MIN_EFFECT and effect > found[movie].get(watched, 0.0):
                    found[movie][watched] = effect
    strongest = (sorted(found[movie].items(), key=lambda one: -one[1])[:MAX_CAUSES] for movie in listed)
    return [list(one) for one in strongest]


def _viewers(query: RecommendRequest) -> list[ViewerProfile]:
    if not query.viewer_ids:
        return [build_profile(query, selectors.history(query.viewer_id) if query.viewer_id is not None else None)]
    return [
        build_profile(RecommendRequest(viewer_id=one.viewer_id), one) for one in selectors.histories(query.viewer_ids)
    ]


def _effects(
    who: ViewerProfile, query: RecommendRequest, answer: Answer, films: CatalogueSnapshot, listed: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Watched films [C], and their effects on the listed ones [C, K]; 0 on one that the model does not know."""
    if answer.source == "similar":
        return content_contributions(films, who.events, listed)
    ranker = registry.ranker(answer.model_version) if answer.model_version else None
    if ranker is None:
        return np.empty(0, np.int32), np.empty((0, len(listed)))
    return _of_model(ranker, who, query, np.array(listed))


def _of_model(
    ranker: "Ranker", who: ViewerProfile, query: RecommendRequest, listed: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    from recommender.ml.attribution import leave_one_out_effects

    known = ranker.columns_of(listed) >= 0
    tried, found = leave_one_out_effects(ranker, who.events, listed[known].tolist(), query.requested_at)
    every = np.zeros((len(tried), len(listed)))
    every[:, known] = found
    return tried, every


def _explanation(gate: EligibilityFilter, movie: int, moved: Sequence[tuple[int, float]], source: str) -> Explanation:
    films, table = gate.snapshot, gate.snapshot.table
    rows = table.rows_of(np.array([movie, *(watched for watched, _ in moved)])).tolist()
    named = [(row, *one) for row, one in zip(rows[1:], moved, strict=True) if row >= 0 and gate.may_mention(row)]
    because = [Cause(watched, table.titles[row], round(effect, 4)) for row, watched, effect in named]
    if source == "popular":
        return Explanation([], POPULAR)
    facts = (shared_attributes(films, rows[0], row) for row, _, _ in named if rows[0] >= 0)
    return Explanation(because, next((fact for fact in facts if fact), ""))


def shared_attributes(snapshot: CatalogueSnapshot, row: int, other: int) -> str:
    """What the film at `row` shares with the other, most telling first: series, director, cast, genres; or ""."""
    table, title = snapshot.table, snapshot.table.titles[other]
    group = series_of(snapshot)
    if group[row] >= 0 and group[row] == group[other]:
        return f"Of the same series as {title}."
    (directors, actors), genres = _shared_people(snapshot, row, other), _shared_genres(snapshot, row, other)
    if directors:
        return f"Directed by {_join_names(directors)}, like {title}."
    if actors:
        return f"With {_join_names(actors)}, like {title}."
    return f"{_join_names(genres)}, like {title}." if genres and table.ids[row] != table.ids[other] else ""


def _shared_people(films: CatalogueSnapshot, row: int, other: int) -> tuple[list[str], list[str]]:
    """Directors and actors who made both."""
    table = films.table
    its = {(table.credit_person[n], table.credit_role[n]) for n in _run(table.credit_start, other)}
    shared = [n for n in _run(table.credit_start, row) if (table.credit_person[n], table.credit_role[n]) in its]
    names = [(table.person_names[table.credit_person[n]], table.credit_role[n] == DIRECTOR) for n in shared]
    return [name for name, directed in names if directed], [name for name, directed in names if not directed]


def _shared_genres(films: CatalogueSnapshot, row: int, other: int) -> list[str]:
    table = films.table
    its = {int(table.genre_of[n]) for n in _run(table.genre_start, other)}
    return [table.genre_names[g] for g in (int(table.genre_of[n]) for n in _run(table.genre_start, row)) if g in its]


def _run(starts: np.ndarray, row: int) -> range:
    return range(int(starts[row]), int(starts[row + 1]))


def _join_names(names: list[str]) -> str:
    *first, last = names[:MAX_NAMES]
    return f"{', '.join(first)} and {last}" if first else last
