"""The front door of serving: one query in, one answer out, from the nearest of shelf, model and popular films."""

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from catalog import selectors
from recommender import cache, registry
from recommender.cache import CacheUnavailable, StoredList
from recommender.serving import charts, filters, ranking, stamps
from recommender.serving.eligibility import Gate, catalogue, counted
from recommender.serving.query import Answer, Query, Recommendation, Source
from recommender.serving.ranking import Ranked
from recommender.serving.stamps import Look
from recommender.serving.subject import Subject, subject
from recommender.viewing import readable

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

NOTHING = Ranked(np.empty(0, np.int32), np.empty(0, np.float32))


@dataclass(slots=True)
class Sitting:
    """One query on its way to an answer."""

    query: Query
    look: Look
    gate: Gate
    unknown_names: dict[str, list[str]]
    degraded: bool = False
    removed: dict[str, int] = field(default_factory=dict)


def recommend(query: Query) -> Answer:
    """Path 1: the stored list if it is valid and enough of it may be shown, else the model, else popular films."""
    sitting = sit(query, stamps.look(query.user_id))
    return titled(_from_shelf(sitting) or _computed(sitting), query)


def titled(answer: Answer, query: Query) -> Answer:
    if query.titles:
        answer.cards = selectors.movie_cards([one.movie_id for one in answer.recommendations])
    return answer


def sit(query: Query, look: Look) -> Sitting:
    films = catalogue(look.stamps.catalogue or 0)
    wanted = filters.wanted(films, query.filters)
    gate = Gate(films, int(time.time()), wanted.films, np.array(query.exclude, np.int32))
    return Sitting(query, look, gate, wanted.unknown_names, degraded=not look.redis)


def _from_shelf(sitting: Sitting) -> Answer | None:
    """No query to the database happens on this road."""
    query, stored = sitting.query, sitting.look.valid_list()
    if stored is None or query.history or query.at is not None:
        return None
    kept = _cut(sitting, Ranked(stored.movie_ids, stored.scores))
    if len(kept.movie_ids) < query.wanted:
        return None
    return answered(sitting, kept, "cache", stored.model, known=bool(sitting.look.stamps.viewer))


def _cut(sitting: Sitting, ranked: Ranked) -> Ranked:
    """What may be shown of a list, as many as are wanted."""
    keep, sitting.removed = sitting.gate.passes(ranked.movie_ids)
    first = np.flatnonzero(keep)[: sitting.query.wanted]
    return Ranked(ranked.movie_ids[first], ranked.scores[first])


def _computed(sitting: Sitting) -> Answer:
    query = sitting.query
    history = selectors.history(query.user_id) if query.user_id is not None else None
    who = subject(query, history)
    return _from_model(sitting, who) or from_popular(sitting, who)


def _from_model(sitting: Sitting, who: Subject) -> Answer | None:
    query = sitting.query
    ranker = active_ranker(sitting.look)
    sitting.degraded |= not serves(ranker, sitting.look)
    if ranker is None or not readable(who.events, ranker):
        return None
    state = ranking.states(ranker, [who], query.at)
    ranked = NOTHING
    if who.version is not None and query.at is None and not query.filters.given():
        stored = stocked(sitting, who, ranker, state)
        ranked = _cut(sitting, Ranked(stored.movie_ids, stored.scores))
    if len(ranked.movie_ids) < query.wanted:
        barred = np.concatenate([who.seen, sitting.gate.exclude])
        [ranked] = ranking.best(ranker, state, query.wanted, sitting.gate.vocabulary(ranker), [barred])
    return from_model(sitting, who, ranker, ranked) if len(ranked.movie_ids) else None


def active_ranker(look: Look) -> "Ranker | None":
    """The active model's ranker, or that of the version before where its folder cannot be used."""
    return registry.ranker(look.stamps.model) if look.stamps.model is not None else None


def serves(ranker: "Ranker | None", look: Look) -> bool:
    """Whether this is the model that should answer: the active one, or none where none is active."""
    return look.stamps.model == (None if ranker is None else ranker.version)


def stocked(sitting: Sitting, who: Subject, ranker: "Ranker", state: np.ndarray) -> StoredList:
    """Computes the whole list, of nothing that only this request asked for, and stores it under its stamps.

    The epoch and the model were read before the history, and the version in one snapshot with it: had any of them
    moved since, the list would carry the older stamp and never be served.
    """
    allowed = sitting.gate.storable(ranker)
    [ranked] = ranking.best(ranker, state, settings.LIST_LENGTH, allowed, [who.seen])
    made = StoredList(ranker.version, sitting.look.stamps.epoch or 0, who.version or 0, *ranked, sitting.gate.now)
    if sitting.look.redis and who.viewer_id is not None:
        try:
            if sitting.look.stamps.viewer != who.version:
                cache.publish_viewers({who.viewer_id: made.viewer_version})
            cache.store_list(who.viewer_id, made)
        except CacheUnavailable:
            sitting.degraded = True
    return made


def from_model(sitting: Sitting, who: Subject, ranker: "Ranker", ranked: Ranked) -> Answer:
    """The model's films; below them, where they are too few, popular ones that it does not know."""
    short = sitting.query.wanted - len(ranked.movie_ids)
    if short > 0:
        barred = np.concatenate([who.seen, ranker.movie_ids])
        more = charts.listed("popular", sitting.gate, short, barred, sitting.look.stamps.epoch or 0)
        scores = np.append(ranked.scores, ranked.scores[-1] - 2 + more.scores)  # theirs are in 0..1
        ranked = Ranked(np.append(ranked.movie_ids, more.movie_ids), scores)
    sitting.removed |= counted(seen=len(np.unique(who.seen)))
    answer = answered(sitting, ranked, "model", ranker.version, known=who.known)
    answer.ignored_history = who.ignored(ranker)
    return answer


def from_popular(sitting: Sitting, who: Subject) -> Answer:
    ranked = charts.listed("popular", sitting.gate, sitting.query.wanted, who.seen, sitting.look.stamps.epoch or 0)
    sitting.removed |= counted(seen=len(np.unique(who.seen)))
    answer = answered(sitting, ranked, "popular", None, known=who.known)
    answer.ignored_history = who.ignored(None)
    return answer


def answered(sitting: Sitting, ranked: Ranked, source: Source, model: str | None, *, known: bool) -> Answer:
    scores = np.round(ranked.scores.astype(np.float64), 5).tolist()
    films = list(map(Recommendation, ranked.movie_ids.tolist(), scores))
    return Answer(
        recommendations=films,
        source=source,
        model_version=model,
        recommendation_id=uuid.uuid4().hex,
        is_known_user=known,
        degraded=sitting.degraded,
        removed=sitting.removed,
        unknown_names=sitting.unknown_names,
        reason="" if films else filters.why_empty(sitting.query.filters, sitting.unknown_names),
    )
