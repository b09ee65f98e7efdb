"""A viewer's history as the model reads it, and what it rules out: the same rules for serving and for the batch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.conf import settings

from catalog.models import Rule
from catalog.selectors import CatalogueTable, History
from recommender.cache.codec import ExclusionCounts
from recommender.ml.data import DISLIKE, NOT_INTERESTED, RATING, WATCH, Events

if TYPE_CHECKING:
    from recommender.ml.cold_items import ColdItems
    from recommender.ml.ranker import Ranker

NEGATIVE_KINDS = (DISLIKE, NOT_INTERESTED)
# For each kind of event the place in RuledOut of the reason that it is; -1 where it rules nothing out.
_REASONS = np.full(8, -1, np.int8)
_REASONS[[WATCH, RATING, DISLIKE, NOT_INTERESTED]] = 0, 0, 1, 2


def to_model_events(history: History) -> Events:
    return Events(history.movie_ids, history.occurred_at, history.kinds, history.ratings, history.completions)


class Exclusions(NamedTuple):
    """What is never listed again, each film once with its reason: the place of it in RuledOut."""

    movie_ids: np.ndarray  # int32 [n]
    reasons: np.ndarray  # int8 [n]

    def counts(self) -> ExclusionCounts:
        return ExclusionCounts(*np.bincount(self.reasons, minlength=len(ExclusionCounts._fields)).tolist())

    def select(self, keep: np.ndarray) -> "Exclusions":
        return Exclusions(self.movie_ids[keep], self.reasons[keep])


def exclusions_from(history: History | None, posted: np.ndarray | None = None) -> Exclusions:
    """Films that were seen (watched or rated, or `sent` as a history), disliked or waved away."""
    ids, reasons = np.empty(0, np.int32), np.empty(0, np.int8)
    if history is not None:
        reasons = _REASONS[history.kinds]
        ids, reasons = history.movie_ids[reasons >= 0], reasons[reasons >= 0]
    if posted is not None:
        ids, reasons = np.append(ids, posted), np.append(reasons, np.zeros(len(posted), np.int8))
    return _first_reasons(ids, reasons)


def merge_exclusions(exclusions: Sequence[Exclusions]) -> Exclusions:
    """For viewers who watch together."""
    return _first_reasons(*(np.concatenate(column) for column in zip(*exclusions, strict=True)))


def _first_reasons(ids: np.ndarray, reasons: np.ndarray) -> Exclusions:
    """Each film for the first reason that holds."""
    order = np.lexsort((reasons, ids))
    first = np.append(True, ids[order][1:] != ids[order][:-1])[: len(ids)]
    return Exclusions(ids[order][first].astype(np.int32), reasons[order][first])


def has_known_movies(events: Events, ranker: "Ranker") -> bool:
    """Whether the model has anything to go by: a film that it knows and that the viewer did not merely reject."""
    ids, kinds = events.movie_ids, events.kinds
    return bool((ranker.columns_of(ids if kinds is None else ids[~np.isin(kinds, NEGATIVE_KINDS)]) >= 0).any())


def rank_for_storage(
    ranker: "Ranker",
    states: np.ndarray,
    k: int,
    shown: np.ndarray,
    exclude: Sequence[np.ndarray],
    pinned: np.ndarray,
    cold_items: "ColdItems",
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each state row the k best of the films that may be shown (bool [V], and `newcomers`), and in between k at
    most of the model's that may not: an edit that opens one is then true for the list that is there. So that the list
    tells who has seen them, the `pinned` films (ids) come along as well. Ids int32, scores float32, best first."""
    best = ranker.top(states, k, shown, exclude, cold_items)
    if not shown.all():
        best = [_merge_hidden(*pair, k) for pair in zip(best, ranker.top(states, k, ~shown, exclude), strict=True)]
    if not len(pinned):
        return best
    return [_insert_pinned(ranker, *row, pinned) for row in zip(states, best, exclude, strict=True)]


def pinned_within_ttl(table: CatalogueTable, now: int) -> np.ndarray:
    """Film ids that a merchandising rule pins within the life of a list made now."""
    soon = [
        rule.movie_ids
        for rule in table.merchandising_rules
        if (rule.action, rule.target) == (Rule.Action.PIN, Rule.Target.MOVIE)
        and rule.starts_at <= now + settings.LIST_TTL
        and now < rule.ends_at
    ]
    return np.unique(np.concatenate([np.empty(0, np.int32), *soon]))


def _insert_pinned(
    ranker: "Ranker", state: np.ndarray, best: tuple[np.ndarray, np.ndarray], seen: np.ndarray, pinned: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Those of the pinned films that are unseen where their scores put them, ones that the model does not know last."""
    more = np.setdiff1d(pinned, np.append(best[0], seen)).astype(np.int32)
    scores = np.full(len(more), best[1].min(initial=0.0) - 1, np.float32)
    known = ranker.columns_of(more) >= 0
    if known.any():
        scores[known] = ranker.score(state[None], more[known].tolist())[0]
    ids, scores = np.append(best[0], more), np.append(best[1], scores)
    order = np.argsort(-scores, kind="stable")
    return ids[order], scores[order]


def _merge_hidden(
    shown: tuple[np.ndarray, np.ndarray], hidden: tuple[np.ndarray, np.ndarray], k: int
) -> tuple[np.ndarray, np.ndarray]:
    least = shown[1][-1] if len(shown[1]) == k else -np.inf
    above = hidden[1] >= least
    ids, scores = np.append(shown[0], hidden[0][above]), np.append(shown[1], hidden[1][above])
    order = np.argsort(-scores, kind="stable")
    return ids[order], scores[order]
