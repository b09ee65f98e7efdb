"""Compares a list as it was served with the same list computed again, and names what moved in between."""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from recommender.movies.movie_ids import movie_id_text
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.ranked_movies import RankedMovies

ROUNDING = 1e-3  # of scores: one viewer alone and many at once are not computed bit for bit alike
NAMED = 5  # films that a reason names


class Verdict(StrEnum):
    """What came of computing a list again."""

    SAME = "the same"
    EXPLAINED = "different, explained"
    NOT_COMPUTED = "not computed again"
    UNEXPLAINED = "different, not explained"


class Reason(StrEnum):
    """Why a list is not the same, or cannot be computed again."""

    MODEL_GONE = "the model was pruned"
    MODEL_INACTIVE = "the model is not the active one"
    DATA_REPLACED = "the data was replaced"
    VIEWER_GONE = "the viewer or the history was erased"
    REQUEST_LEFT_OUT = "the request was too long to keep"
    PART_DOWN = "a part of the system was down"
    HOME_ROW = "a row of a home page"
    FILM_GONE = "a film may not be listed any more"
    FILM_ADDED = "a film was added"
    FILM_EDITED = "films were edited"
    RULES_CHANGED = "merchandising rules changed"
    HISTORY_CHANGED = "the viewer's history was changed"
    COUNTS_MOVED = "what is popular was counted anew"


class Difference(NamedTuple):
    """What became of a list: the verdict, and each reason with a sentence."""

    verdict: Verdict
    reasons: Sequence[tuple[Reason, str]] = ()


class Moved(NamedTuple):
    """What holds now and did not when the list was served, as far as it can move the list."""

    added: Collection[int]  # films that were added since
    catalogue: bool  # films or rules were written
    others: Sequence[tuple[Reason, str]]  # that move scores or places


def compare(served: RankedMovies, again: RankedMovies, eligibility: EligibilityFilter, moved: Moved) -> Difference:
    """Say whether two lists are the same, and if not, which of what moved explains the difference.

    `eligibility`: of the list, by the catalogue as it is now.
    """
    if _are_same(served, again):
        return Difference(Verdict.SAME)
    reasons: list[tuple[Reason, str]] = []
    listable = eligibility.mask_ids(served.movie_ids)
    gone = served.movie_ids[~listable & ~np.isin(served.movie_ids, again.movie_ids)]
    if len(gone):
        reasons.append((Reason.FILM_GONE, f"Not to be listed any more: {_names(gone)}."))
    new = again.movie_ids[~np.isin(again.movie_ids, served.movie_ids)]
    added = new[np.isin(new, np.array(sorted(moved.added), np.int32))]
    if len(added):
        reasons.append((Reason.FILM_ADDED, f"Added since: {_names(added)}."))
    lowest = float(served.scores.min(initial=np.inf))
    opened = new[~np.isin(new, added) & (again.select(np.isin(again.movie_ids, new)).scores > lowest + ROUNDING)]
    if len(opened) and moved.catalogue:
        reasons.append((Reason.FILM_EDITED, f"To be listed since an edit: {_names(opened)}."))
    kept = served.without(np.concatenate([gone, added]))
    rest = again.without(np.concatenate([added, opened] if moved.catalogue else [added]))
    length = min(len(kept.movie_ids), len(rest.movie_ids))
    # What is left must be the old list: films that went make room at the end, films that came push some out there.
    if reasons and _are_same(kept.select(slice(length)), rest.select(slice(length))):
        return Difference(Verdict.EXPLAINED, reasons)
    reasons += moved.others
    if moved.catalogue and not any(reason == Reason.FILM_EDITED for reason, _ in reasons):
        reasons.append((Reason.FILM_EDITED, "The catalogue was written to since; as it was then is not kept."))
    return Difference(Verdict.EXPLAINED if reasons else Verdict.UNEXPLAINED, reasons)


def _are_same(one: RankedMovies, other: RankedMovies) -> bool:
    """Say whether two lists have the same films with the same scores in the same order; films whose scores are equal
    but for rounding may change places."""
    if len(one.movie_ids) != len(other.movie_ids):
        return False
    if not len(one.movie_ids):
        return True
    finite = np.isfinite(one.scores) & np.isfinite(other.scores)
    if np.abs(one.scores - other.scores)[finite].max(initial=0) > ROUNDING:
        return False
    places = {movie_id: place for place, movie_id in enumerate(other.movie_ids.tolist())}
    moved = [(place, places.get(movie_id)) for place, movie_id in enumerate(one.movie_ids.tolist())]
    return all(
        there is not None and (here == there or abs(one.scores[here] - other.scores[there]) <= ROUNDING)
        for here, there in moved
    )


def _names(movie_ids: np.ndarray) -> str:
    names = ", ".join(movie_id_text(movie_id) or "a film that is gone" for movie_id in movie_ids[:NAMED].tolist())
    return names + (f" and {len(movie_ids) - NAMED} more" if len(movie_ids) > NAMED else "")
