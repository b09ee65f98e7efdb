"""The front door of serving: one query in, one answer out, from the nearest of shelf, model and popular films."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from catalog import selectors
from recommender import cache, registry
from recommender.cache import CacheUnavailable, StoredList
from recommender.packed import NO_EXCLUSIONS, ExclusionCounts
from recommender.serving import bereft, charts, cold, explain, filters, merchandise, ranking, stamps
from recommender.serving.capacity import HEAVY, computing
from recommender.serving.diversity import varied
from recommender.serving.eligibility import Gate, catalogue, counted
from recommender.serving.query import Answer, Query, Recommendation, Source
from recommender.serving.ranking import Ranked
from recommender.serving.stamps import Look
from recommender.serving.subject import Subject, subject
from recommender.serving.tally import tallied
from recommender.viewing import has_known_movies, pinned_within_ttl, rank_for_storage

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
    ruled_out: ExclusionCounts = NO_EXCLUSIONS
    rules: merchandise.Rules | None = None
    seen: np.ndarray | None = None  # film ids; None: not known, as the history was not read

    @property
    def pool(self) -> int:
        """How many films the list is made from."""
        return self.query.pool if self.rules is None else max(self.query.pool, merchandise.REACH)

    def hold(self, age_limit: int | None, ruled_out: ExclusionCounts) -> None:
        self.gate.age_limit = selectors.strictest_age_limit(self.query.age_limit, age_limit)
        self.ruled_out = ruled_out

    def removed(self) -> dict[str, int]:
        """How many films are kept out, by reason."""
        return counted(**self.ruled_out._asdict()) | self.gate.removed()


@tallied
def recommend(query: Query) -> Answer:
    """Path 1: the stored list if it is valid and enough of it may be shown, else the model, else popular films."""
    sitting = sit(query, stamps.look(query.user_id))
    return told(sitting, _from_shelf(sitting) or _computed(sitting))


def told(sitting: Sitting, answer: Answer) -> Answer:
    """The answer with titles and reasons, where the query asks for them."""
    query = sitting.query
    if query.explain and answer.recommendations:
        # Without Postgres the films come without their reasons.
        with suppress(*selectors.DATABASE_ERRORS), HEAVY.place(), computing():
            answer.reasons = explain.reasons(query, answer, sitting.gate)
    if query.titles:
        answer.cards = bereft.cards([one.movie_id for one in answer.recommendations], sitting.gate.catalogue)
    return answer


def sit(query: Query, look: Look, shelf: str = "recommend") -> Sitting:
    """`shelf`: a catalog.Rule.Shelf, the list whose rules hold."""
    films = catalogue(look.stamps.catalogue or 0)
    wanted = filters.wanted(films, query.filters)
    gate = Gate(films, int(time.time()), wanted.films, np.array(query.exclude, np.int32), query.age_limit)
    unknown = wanted.unknown_names | filters.unknown(films.genres, liked_genres=query.liked_genres)
    rules = merchandise.in_force(films, shelf, gate.now, query.trial)
    gate.excluded_by_rule = rules.excluded if rules is not None else None
    degraded = not look.redis or selectors.is_database_down()
    return Sitting(query, look, gate, unknown, degraded=degraded, rules=rules)


def _from_shelf(sitting: Sitting) -> Answer | None:
    """No query to the database happens on this road."""
    query, stored = sitting.query, sitting.look.valid_list()
    if stored is None or query.history or query.at is not None:
        return None
    if sitting.rules is not None and merchandise.outdates(sitting.rules, stored, sitting.gate.catalogue):
        return None
    sitting.hold(stored.age_limit, stored.exclusion_counts)
    kept = cut(sitting, Ranked(stored.movie_ids, stored.scores))
    if len(kept.movie_ids) < query.wanted:
        return None
    return answered(sitting, kept, "cache", stored.model, known=bool(sitting.look.stamps.viewer))


def cut(sitting: Sitting, ranked: Ranked) -> Ranked:
    """What may be shown of a list, as many as are wanted or are to be chosen from."""
    wanted = sitting.pool
    for looked_at in (2 * wanted, len(ranked.movie_ids)):  # mostly the first will do
        first = np.flatnonzero(sitting.gate.passes(ranked.movie_ids[:looked_at]))[:wanted]
        if len(first) == wanted:
            break
    return Ranked(ranked.movie_ids[first], ranked.scores[first])


@computing()
def _computed(sitting: Sitting) -> Answer:
    who = asking(sitting)
    if who.stored is not None:
        return bereft.from_list(sitting, who)
    return _from_model(sitting, who) or from_popular(sitting, who)


def asking(sitting: Sitting) -> Subject:
    """Who it is for, read in one snapshot; from here on the viewer's age limit holds. Raises OperationalError where
    Postgres is gone and the viewer has no valid list."""
    query = sitting.query
    try:
        history = selectors.history(query.user_id) if query.user_id is not None else None
        _put_back(sitting, history)
        who = subject(query, history)
    except selectors.DATABASE_ERRORS:
        left = bereft.own_history(sitting)
        if left is None:
            raise
        who = left
    meet(sitting, who)
    return who


def _put_back(sitting: Sitting, history: selectors.History | None) -> None:
    """The viewer's version, as it was read: else a mark would stand in its place, and keep others from it."""
    look = sitting.look
    if history is None or not look.redis or look.stamps.viewer == history.version:
        return
    try:
        cache.fill_reserved_viewer_versions(look.mark, {history.viewer_id: history.version})
    except CacheUnavailable:
        sitting.degraded = True


def meet(sitting: Sitting, who: Subject) -> None:
    """Holds the sitting to what is known of the viewer."""
    sitting.seen = who.seen
    sitting.hold(who.age_limit, who.ruled_out(sitting.gate.catalogue.table))


def _from_model(sitting: Sitting, who: Subject) -> Answer | None:
    query = sitting.query
    ranker = active_ranker(sitting.look)
    sitting.degraded |= not serves(ranker, sitting.look)
    if ranker is None:
        return None
    if not has_known_movies(who.events, ranker):
        return from_kin(sitting, who)
    state = ranking.states(ranker, [who], query.at)
    ranked = NOTHING
    if who.version is not None and query.at is None and not query.filters.given():
        stored = stocked(sitting, who, ranker, state)
        ranked = cut(sitting, Ranked(stored.movie_ids, stored.scores))
    if len(ranked.movie_ids) < query.wanted:
        barred = np.concatenate([who.seen, sitting.gate.exclude])
        [ranked] = ranking.best(ranker, state, sitting.pool, sitting.gate, [barred])
    return from_model(sitting, who, ranker, ranked) if len(ranked.movie_ids) else None


def active_ranker(look: Look) -> "Ranker | None":
    """The active model's ranker, or that of the version before where its folder cannot be used. None where it was
    trained on other data than the films are of: its ids mean other films."""
    ranker = registry.ranker(look.stamps.model) if look.stamps.model is not None else None
    if ranker is None:
        return None
    films = catalogue(look.stamps.catalogue or 0)
    return ranker if ranker.metadata.get("data_set", 0) == films.table.data_set else None


def serves(ranker: "Ranker | None", look: Look) -> bool:
    """Whether this is the model that should answer: the active one, or none where none is active."""
    return look.stamps.model == (None if ranker is None else ranker.version)


def stocked(sitting: Sitting, who: Subject, ranker: "Ranker", state: np.ndarray) -> StoredList:
    """Computes the whole list, of nothing that only this request asked for, and stores it under its stamps.

    The epoch and the model were read before the history, and the version in one snapshot with it: had any of them
    moved since, the list would carry the older stamp and never be served.
    """
    shown, newcomers = sitting.gate.storable(ranker, who.age_limit)
    pinned = pinned_within_ttl(sitting.gate.catalogue.table, sitting.gate.now)
    [ranked] = rank_for_storage(ranker, state, settings.LIST_LENGTH, shown, [who.seen], pinned, newcomers)
    stamps_of_it = (ranker.version, sitting.look.stamps.epoch or 0, who.version or 0)
    made = StoredList(*stamps_of_it, *ranked, sitting.gate.now, who.age_limit, who.barred.counts())
    if sitting.look.redis and who.viewer_id is not None:
        try:
            cache.store_list(who.viewer_id, made)
        except CacheUnavailable:
            sitting.degraded = True
    return made


def from_model(sitting: Sitting, who: Subject, ranker: "Ranker", ranked: Ranked) -> Answer:
    """The model's films; below them, where they are too few, popular ones that it does not know."""
    full = _filled_up(sitting, ranked, who.seen, ranker.movie_ids)
    answer = answered(sitting, full, "model", ranker.version, known=who.known)
    answer.ignored_history = who.ignored(ranker)
    return answer


def _filled_up(sitting: Sitting, ranked: Ranked, *barred: np.ndarray) -> Ranked:
    """With popular films below, where they are too few: their scores lie lower by one at least."""
    short = sitting.query.wanted - len(ranked.movie_ids)
    if short <= 0:
        return ranked
    listed = np.concatenate([*barred, ranked.movie_ids])
    more = charts.listed("popular", sitting.gate, short, listed, sitting.look.stamps.epoch or 0)
    scores = np.append(ranked.scores, ranked.scores[-1] - 2 + more.scores)  # theirs are in 0..1
    return Ranked(np.append(ranked.movie_ids, more.movie_ids), scores)


def from_kin(sitting: Sitting, who: Subject) -> Answer | None:
    """Films akin to those of a history in which the model can read nothing; None where nothing is akin."""
    kin, used = cold.by_content(sitting.gate, sitting.pool, who.seen, who.events)
    if not len(kin.movie_ids):
        return None
    answer = answered(sitting, _filled_up(sitting, kin, who.seen), "similar", None, known=who.known)
    answer.ignored_history = who.not_among(used)
    return answer


def from_popular(sitting: Sitting, who: Subject) -> Answer:
    """Of the liked genres, where some are told."""
    epoch, query = sitting.look.stamps.epoch or 0, sitting.query
    if query.liked_genres:
        ranked = cold.by_genres(sitting.gate, sitting.pool, who.seen, epoch, query.liked_genres)
    else:
        ranked = charts.listed("popular", sitting.gate, sitting.pool, who.seen, epoch)
    answer = answered(sitting, ranked, "popular", None, known=who.known)
    answer.ignored_history = who.ignored(None)
    return answer


def answered(sitting: Sitting, ranked: Ranked, source: Source, model: str | None, *, known: bool) -> Answer:
    if sitting.rules is not None:
        ranked = merchandise.arranged(sitting.rules, sitting.gate, ranked, sitting.seen, sitting.query)
    elif sitting.query.diversity and len(ranked.movie_ids):
        ranked = varied(sitting.gate.catalogue, ranked, sitting.query)
    scores = np.round(ranked.scores.astype(np.float64), 5).tolist()
    films = list(map(Recommendation, ranked.movie_ids.tolist(), scores))
    return Answer(
        recommendations=films,
        source=source,
        model_version=model,
        recommendation_id=os.urandom(16).hex(),
        is_known_user=known,
        degraded=sitting.degraded,
        removed=sitting.removed(),
        unknown_names=sitting.unknown_names,
        reason="" if films else filters.why_empty(sitting.gate, sitting.query.filters, sitting.unknown_names),
    )
