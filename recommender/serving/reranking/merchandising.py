"""Merchandising: editors' rules keep movies out of a list, move them by some positions, or pin them to one.

A rule is true on the next read: rules come with the catalogue, whose version every read looks at, so a list with a rule
costs no query, and a catalogue without rules nothing at all. Positions, not scores, are moved: the scores of a model,
of a chart and of similarity have nothing in common. A pinned movie must be unseen by the viewer; the stored list tells,
since the movies that will be pinned are put onto it, and one that was made before the rule is made again.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from catalog.models import Rule
from catalog.selectors import MerchandisingRule
from recommender import process_state
from recommender.cache import StoredList
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.filtering.eligibility import NO_MOVIES, EligibilityFilter
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.reranking.diversity import diversify

MAX_SHIFT = 200  # positions: how far a rule moves a movie
CLOCK_SKEW = 15  # seconds: clocks differ, and a rule is committed a moment after it was made


class Pin(NamedTuple):
    """A rule that puts a movie at one position."""

    position: int  # from 0
    rows: np.ndarray  # int64, of the catalogue's table: one movie, or those of which the list's best is meant
    is_single_movie: bool  # one movie: it need not be on the list by itself


class ActiveRules(NamedTuple):
    """The rules that hold for one list from one moment to another."""

    until: int  # unix seconds, exclusive
    excluded: np.ndarray | None  # bool [movies]
    shift: np.ndarray | None  # int32 [movies]: positions; down below 0
    pins: tuple[Pin, ...]  # by position
    pinned_at: int  # unix seconds: when a pin of one movie was last changed


class _CachedRules(NamedTuple):
    snapshot: CatalogueSnapshot
    rules: ActiveRules | None
    until: int


_cached_by_surface: dict[str, _CachedRules] = {}
process_state.register("serving: the merchandising rules of each list", _cached_by_surface.clear)


def active_rules(
    snapshot: CatalogueSnapshot, surface: str, now: int, rules_override: Sequence[MerchandisingRule] | None = None
) -> ActiveRules | None:
    """Return the rules of a list at `now` (unix seconds); None where there are none.

    `surface`: the list (catalog.Rule.Surface). `rules_override`: rules in place of the catalogue's.
    """
    rules = snapshot.table.merchandising_rules if rules_override is None else rules_override
    if not rules:
        return None
    if rules_override is not None:
        return _compile(snapshot, surface, now, rules).rules
    cached = _cached_by_surface.get(surface)
    if cached is None or cached.snapshot is not snapshot or now >= cached.until:
        cached = _cached_by_surface[surface] = _compile(snapshot, surface, now, rules)
    return cached.rules


def _compile(snapshot: CatalogueSnapshot, surface: str, now: int, rules: Sequence[MerchandisingRule]) -> _CachedRules:
    rules = [rule for rule in rules if not rule.surfaces or surface in rule.surfaces]
    until = min((edge for rule in rules for edge in (rule.starts_at, rule.ends_at) if edge > now), default=2**62)
    rules = [rule for rule in rules if rule.starts_at <= now < rule.ends_at]
    if not rules:
        return _CachedRules(snapshot, None, until)
    rows_of = {}
    for rule in rules:
        rows = snapshot.table.rows_of(rule.movie_ids)
        rows_of[rule.id] = rows[rows >= 0]
    excluded, shift = None, None
    for rule in rules:
        if rule.action == Rule.Action.EXCLUDE:
            excluded = np.zeros(len(snapshot.table.ids), bool) if excluded is None else excluded
            excluded[rows_of[rule.id]] = True
        elif rule.action in (Rule.Action.BOOST, Rule.Action.BURY):
            shift = np.zeros(len(snapshot.table.ids), np.int32) if shift is None else shift
            shift[rows_of[rule.id]] += rule.positions if rule.action == Rule.Action.BOOST else -rule.positions
    pin_rules = sorted(
        (rule for rule in rules if rule.action == Rule.Action.PIN), key=lambda rule: (rule.positions, rule.id)
    )
    pins = tuple(
        Pin(rule.positions - 1, rows_of[rule.id], is_single_movie=rule.target == Rule.Target.MOVIE)
        for rule in pin_rules
    )
    pinned_at = max((rule.changed_at for rule in pin_rules if rule.target == Rule.Target.MOVIE), default=0)
    return _CachedRules(snapshot, ActiveRules(until, excluded, shift, pins, pinned_at), until)


def lacks_pinned_movies(rules: ActiveRules, stored_list: StoredList, snapshot: CatalogueSnapshot) -> bool:
    """Say whether a movie was pinned after the list was made and is not on it: nothing tells then if it was seen."""
    if stored_list.made_at > rules.pinned_at + CLOCK_SKEW:
        return False
    pinned = [snapshot.table.ids[pin.rows] for pin in rules.pins if pin.is_single_movie]
    return bool(pinned) and not np.isin(np.concatenate(pinned), stored_list.movie_ids).all()


def apply_rules(
    rules: ActiveRules,
    eligibility: EligibilityFilter,
    ranked: RankedMovies,
    seen_ids: np.ndarray | None,
    *,
    limit: int,
    pool: int = 0,
    diversity: float = 0.0,
    shown_ids: np.ndarray = NO_MOVIES,
) -> RankedMovies:
    """Make the list of `limit` movies by the rules; scores stay the movies' own.

    `ranked`: MAX_SHIFT movies where there are so many, all of them eligible. `seen_ids`: movies that must not be listed
    again; None where only the ranked ones are known to be unseen. `pool`: how many of the movies, once they are moved,
    a diverse list is chosen from. `shown_ids`: movies of the pages before, whose positions come before this page's.
    """
    moved = ranked.select(shifted_order(rules.shift, eligibility.snapshot.table.rows_of(ranked.movie_ids)))
    doubles, ids_of = eligibility.snapshot.doubles, eligibility.snapshot.table.ids
    barred = doubles.all_ids(shown_ids)
    moved = moved.without(barred)
    listed = moved
    if diversity and len(moved.movie_ids):
        listed = _diversify(eligibility.snapshot, moved, limit, pool, diversity)
    pinned: dict[int, int] = {}  # movie -> position
    for pin in rules.pins:
        if pin.position < len(shown_ids):
            continue
        ids = ids_of[pin.rows]
        choices: list[int] = moved.movie_ids[np.isin(moved.movie_ids, ids)].tolist()
        if not choices and pin.is_single_movie:
            unseen = np.isin(ids, doubles.other_ids(moved.movie_ids))  # a double on the list tells as well
            if seen_ids is not None:
                unseen |= ~np.isin(ids, np.append(seen_ids, barred))
            choices = ids[eligibility.mask_ids(ids) & unseen].tolist()
        movie = next((movie for movie in choices if movie not in pinned), None)
        if movie is not None:
            pinned[movie] = pin.position - len(shown_ids)
    if not pinned:
        return listed.select(slice(limit))
    score_of = dict(zip(moved.movie_ids.tolist(), moved.scores.tolist(), strict=True))
    below_all = min(score_of.values(), default=0.0) - 1  # for a movie that was not ranked
    pinned_films = doubles.all_ids(np.array(list(pinned), np.int32))
    movie_ids = listed.without(pinned_films).movie_ids.tolist()
    for movie, position in pinned.items():
        movie_ids.insert(position, movie)
    movie_ids = movie_ids[:limit]
    scores = [score_of.get(movie, below_all) for movie in movie_ids]
    return RankedMovies(np.array(movie_ids, np.int32), np.array(scores, np.float32))


def shifted_order(shift: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """Return the positions of the movies at `rows` in their new order, int64 [n].

    A movie that goes up stands before the one whose position it takes, one that goes down behind it.
    """
    if shift is None:
        return np.arange(len(rows))
    by = shift[rows]
    return np.argsort(np.arange(len(rows)) - by - 0.5 * np.sign(by), kind="stable")


def _diversify(
    snapshot: CatalogueSnapshot, moved: RankedMovies, limit: int, pool: int, diversity: float
) -> RankedMovies:
    """Diversify by positions: a movie counts for as much as the score that belongs to the position it was moved to."""
    by_position = RankedMovies(moved.movie_ids, np.sort(moved.scores)[::-1]).select(slice(pool))
    score_of = dict(zip(moved.movie_ids.tolist(), moved.scores.tolist(), strict=True))
    movie_ids = diversify(snapshot, by_position, limit, diversity).movie_ids
    return RankedMovies(movie_ids, np.array([score_of[movie] for movie in movie_ids.tolist()], np.float32))
