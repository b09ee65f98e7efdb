"""What a stored list holds: one definition, for the list that a request stores and for those of the batch.

A list is read again and again, under other filters and other windows. So it holds the best movies that may be listed
within its life, movies in between that an edit may open, and the movies that a merchandising rule pins.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.conf import settings

from catalog.models import Rule
from catalog.selectors import CatalogueTable
from recommender.cache import StoredList
from recommender.history import Exclusions
from recommender.movies.doubles import Doubles
from recommender.movies.snapshot import CatalogueSnapshot

if TYPE_CHECKING:
    from recommender.ml.cold_items import ColdItems
    from recommender.ml.ranker import Ranker


class ListViewer(NamedTuple):
    """What a list depends on besides the viewer's embedding, read in one snapshot with their history."""

    version: int
    exclusions: Exclusions
    age_limit: int | None  # years
    country: str = ""  # ISO 3166; "": not known
    language: str = ""  # BCP 47, as that: of titles beside the list


def build_lists(
    snapshot: CatalogueSnapshot,
    ranker: "Ranker",
    embeddings: np.ndarray,
    viewers: Sequence[ListViewer],
    epoch: int,
    now: int,
) -> list[StoredList]:
    """Return the list of each viewer, LIST_LENGTH movies and some more, from their embeddings, float32 [viewers, S].

    `epoch` as read before the histories; `now` in unix seconds.
    """
    pinned = pinned_within_ttl(snapshot.table, now)
    lists: dict[int, StoredList] = {}
    # One mask serves all viewers with the same limit in the same country.
    for age_limit, country in {(viewer.age_limit, viewer.country) for viewer in viewers}:
        rows = [row for row, viewer in enumerate(viewers) if (viewer.age_limit, viewer.country) == (age_limit, country)]
        storable, cold_items = storable_movies(snapshot, ranker, age_limit, now, country or settings.COUNTRY)
        exclusions = [viewers[row].exclusions.with_doubles(snapshot.doubles) for row in rows]
        seen = [barred.movie_ids for barred in exclusions]
        ranked = _rank(
            ranker, embeddings[rows], settings.LIST_LENGTH, storable, cold_items, seen, pinned, snapshot.doubles
        )
        for row, (movie_ids, scores), barred in zip(rows, ranked, exclusions, strict=True):
            viewer, counts = viewers[row], barred.counts()
            made_from = (ranker.version, epoch, viewer.version)
            lists[row] = StoredList(
                *made_from, movie_ids, scores, now, age_limit, counts, country=country, language=viewer.language
            )
    return [lists[row] for row in range(len(viewers))]


def storable_movies(
    snapshot: CatalogueSnapshot, ranker: "Ranker", age_limit: int | None, now: int, country: str = ""
) -> tuple[np.ndarray, "ColdItems"]:
    """Return what may be listed within the life of a list: a mask of the model's movies, bool [V], and cold items.

    Published, allowed for this age, and available in this country now or before the list expires: windows are checked
    again whenever the list is read.
    """
    movies = snapshot.available_mask(now, ahead=settings.LIST_TTL, country=country)
    if age_limit is not None:
        movies &= snapshot.allowed_for_age(age_limit)
    cold_items = snapshot.cold_items(ranker)
    in_vocabulary = np.append(movies, False)[snapshot.rows_of_model(ranker)]  # row -1 falls on the appended one
    return in_vocabulary, cold_items.select(movies[snapshot.table.rows_of(cold_items.movie_ids)])


def pinned_within_ttl(table: CatalogueTable, now: int) -> np.ndarray:
    """Return the ids of movies that a merchandising rule pins within the life of a list made at `now`, int32 [n]."""
    pinned = [
        rule.movie_ids
        for rule in table.merchandising_rules
        if (rule.action, rule.target) == (Rule.Action.PIN, Rule.Target.MOVIE)
        and rule.starts_at <= now + settings.LIST_TTL
        and now < rule.ends_at
    ]
    return np.unique(np.concatenate([np.empty(0, np.int32), *pinned]))


def _rank(
    ranker: "Ranker",
    embeddings: np.ndarray,
    k: int,
    storable: np.ndarray,
    cold_items: "ColdItems",
    seen: Sequence[np.ndarray],
    pinned: np.ndarray,
    doubles: Doubles,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return ids int32 and scores float32 of each viewer's list, best first.

    It has the k best storable movies, of doubles the best one, and in between k at most that are not: after an edit
    that opens one of these the list is still right. Pinned movies come along, so that the list tells who has seen them.
    """
    best = ranker.top(embeddings, doubles.ranked_count(k), storable, seen, cold_items)
    if doubles.extra:
        best = [(ids[keep][:k], scores[keep][:k]) for ids, scores in best for keep in [doubles.keep_first(ids)]]
    if not storable.all():
        closed = ranker.top(embeddings, k, ~storable, seen)
        best = [_merge_closed(*pair, k) for pair in zip(best, closed, strict=True)]
    if not len(pinned):
        return best
    return [_insert_pinned(ranker, *row, pinned) for row in zip(embeddings, best, seen, strict=True)]


def _merge_closed(
    open_movies: tuple[np.ndarray, np.ndarray], closed_movies: tuple[np.ndarray, np.ndarray], k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Insert closed movies where their scores put them; none below the last of k open ones."""
    lowest = open_movies[1][-1] if len(open_movies[1]) == k else -np.inf
    above = closed_movies[1] >= lowest
    ids = np.append(open_movies[0], closed_movies[0][above])
    scores = np.append(open_movies[1], closed_movies[1][above])
    order = np.argsort(-scores, kind="stable")
    return ids[order], scores[order]


def _insert_pinned(
    ranker: "Ranker", embedding: np.ndarray, best: tuple[np.ndarray, np.ndarray], seen: np.ndarray, pinned: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Insert unseen pinned movies where their scores put them; last the ones that the model does not know."""
    missing = np.setdiff1d(pinned, np.append(best[0], seen)).astype(np.int32)
    scores = np.full(len(missing), best[1].min(initial=0.0) - 1, np.float32)
    known = ranker.columns_of(missing) >= 0
    if known.any():
        scores[known] = ranker.score(embedding[None], missing[known].tolist())[0]
    ids, scores = np.append(best[0], missing), np.append(best[1], scores)
    order = np.argsort(-scores, kind="stable")
    return ids[order], scores[order]
