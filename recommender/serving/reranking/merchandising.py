"""What editors' rules make of a list: films kept out, moved by some places, or put at one place.

A rule is true on the next read: rules come with the catalogue, whose version every read looks at, so a list with a rule
costs no query, and a catalogue without rules nothing at all. Places, not scores, are moved: the scores of a model, of a
chart and of likeness have nothing in common. A film that is pinned must be unseen by the viewer; the stored list tells,
since whoever makes one puts the films that will be pinned onto it, and one that was made before the rule is made again.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.models import Rule
from catalog.selectors import MerchandisingRule
from recommender.cache.codec import StoredList
from recommender.movies.snapshot import CatalogueSnapshot, EligibilityFilter
from recommender.serving.candidates.model_scoring import RankedMovies
from recommender.serving.request import RecommendRequest
from recommender.serving.reranking.diversity import diversify

if TYPE_CHECKING:
    from recommender.serving.home.rows import CandidateRow

MAX_SHIFT = 200  # places: how far a rule moves a film at the most
CLOCK_SKEW = 15  # seconds: clocks differ, and a rule is committed a moment after it was made
BOOST, BURY, PIN, EXCLUDE = Rule.Action.BOOST, Rule.Action.BURY, Rule.Action.PIN, Rule.Action.EXCLUDE
SHELF_BY_ROW_KIND = {  # kinds of rows on a home page that are not their own shelf
    "trending_for_you": "trending",
    "popular_genre": "genre",
    "director": "people",
    "actor": "people",
}


class Pin(NamedTuple):
    position: int  # from 0
    rows: np.ndarray  # int64, of the catalogue's table: one film, or those of which the list's best is meant
    is_single_movie: bool  # one film: it need not be on the list by itself


class ActiveRules(NamedTuple):
    """What holds for one list from one moment to another."""

    until: int  # unix seconds, exclusive
    excluded: np.ndarray | None  # bool [films]
    shift: np.ndarray | None  # int32 [films]: places; down below 0
    pins: tuple[Pin, ...]  # by place
    pinned_at: int  # unix seconds: when a pin of one film was last changed


class _CachedRules(NamedTuple):
    snapshot: CatalogueSnapshot
    rules: ActiveRules | None
    until: int


_cached_by_shelf: dict[str, _CachedRules] = {}  # by shelf


def active_rules(
    snapshot: CatalogueSnapshot, shelf: str, now: int, rules_override: Sequence[MerchandisingRule] | None = None
) -> ActiveRules | None:
    """The rules of a list at `now`; None where there are none. `trial`: these in place of the catalogue's."""
    rules = snapshot.table.merchandising_rules if rules_override is None else rules_override
    if not rules:
        return None
    if rules_override is not None:
        return _compile_rules(snapshot, shelf, now, rules).rules
    known = _cached_by_shelf.get(shelf)
    if known is None or known.snapshot is not snapshot or now >= known.until:
        known = _cached_by_shelf[shelf] = _compile_rules(snapshot, shelf, now, rules)
    return known.rules


def _compile_rules(
    snapshot: CatalogueSnapshot, shelf: str, now: int, rules: Sequence[MerchandisingRule]
) -> _CachedRules:
    mine = [rule for rule in rules if not rule.surfaces or shelf in rule.surfaces]
    until = min((turn for rule in mine for turn in (rule.starts_at, rule.ends_at) if turn > now), default=2**62)
    mine = [rule for rule in mine if rule.starts_at <= now < rule.ends_at]
    if not mine:
        return _CachedRules(snapshot, None, until)
    rows = {rule.id: _rule_rows(snapshot, rule) for rule in mine}
    excluded, up = None, None
    for rule in mine:
        if rule.action == EXCLUDE:
            excluded = np.zeros(len(snapshot.table.ids), bool) if excluded is None else excluded
            excluded[rows[rule.id]] = True
        elif rule.action in (BOOST, BURY):
            up = np.zeros(len(snapshot.table.ids), np.int32) if up is None else up
            up[rows[rule.id]] += rule.positions if rule.action == BOOST else -rule.positions
    pinning = sorted((rule for rule in mine if rule.action == PIN), key=lambda rule: (rule.positions, rule.id))
    pins = tuple(Pin(rule.positions - 1, rows[rule.id], rule.target == Rule.Target.MOVIE) for rule in pinning)
    at = max((rule.changed_at for rule in pinning if rule.target == Rule.Target.MOVIE), default=0)
    return _CachedRules(snapshot, ActiveRules(until, excluded, up, pins, at), until)


def _rule_rows(snapshot: CatalogueSnapshot, rule: MerchandisingRule) -> np.ndarray:
    rows = snapshot.table.rows_of(rule.movie_ids)
    return rows[rows >= 0]


def makes_stale(rules: ActiveRules, stored_list: StoredList, snapshot: CatalogueSnapshot) -> bool:
    """Whether nobody can say from the stored list if its viewer has seen a film that is pinned by now."""
    if stored_list.made_at > rules.pinned_at + CLOCK_SKEW:
        return False
    pinned = [snapshot.table.ids[pin.rows] for pin in rules.pins if pin.is_single_movie]
    return bool(pinned) and not np.isin(np.concatenate(pinned), stored_list.movie_ids).all()


def apply_rules(
    rules: ActiveRules,
    eligibility: EligibilityFilter,
    ranked: RankedMovies,
    seen: np.ndarray | None,
    request: RecommendRequest,
) -> RankedMovies:
    """The list that the query wants, by the rules. `ranked` has REACH films where there are so many, all of which may
    be shown; `seen` film ids that its viewer must not see again, None where only films of `ranked` are known to be
    unseen. Scores stay the films' own."""
    places = eligibility.snapshot.table.rows_of
    moved = _reorder(ranked, _shifted_order(rules.shift, places(ranked.movie_ids)))
    listed = _diversify_shifted(eligibility.snapshot, moved, request) if request.diversity else moved
    pinned: list[tuple[int, int]] = []
    for pin in rules.pins:
        ids = eligibility.snapshot.table.ids[pin.rows]
        found = next(
            (film for film in _pin_candidates(pin, ids, moved, eligibility, seen) if film not in dict(pinned)), None
        )
        if found is not None:
            pinned.append((found, pin.position))
    return _insert_pins(listed, moved, pinned, request.limit)


def _reorder(ranked: RankedMovies, order: np.ndarray) -> RankedMovies:
    return RankedMovies(ranked.movie_ids[order], ranked.scores[order])


def _shifted_order(up: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """Places of films at `rows` in their new order: one that goes up stands before the film whose place it takes, one
    that goes down behind it."""
    if up is None:
        return np.arange(len(rows))
    by = up[rows]
    return np.argsort(np.arange(len(rows)) - by - 0.5 * np.sign(by), kind="stable")


def _diversify_shifted(catalogue: CatalogueSnapshot, moved: RankedMovies, query: RecommendRequest) -> RankedMovies:
    """Diversity takes a film's worth from its place, as its score is of before it was moved."""
    by_place = RankedMovies(moved.movie_ids, np.sort(moved.scores)[::-1])
    own = dict(zip(moved.movie_ids.tolist(), moved.scores.tolist(), strict=True))
    chosen = diversify(
        catalogue, RankedMovies(*(column[: query.candidate_count] for column in by_place)), query
    ).movie_ids
    return RankedMovies(chosen, np.array([own[film] for film in chosen.tolist()], np.float32))


def _pin_candidates(
    pin: Pin, ids: np.ndarray, ranked: RankedMovies, gate: EligibilityFilter, seen: np.ndarray | None
) -> list[int]:
    listed: list[int] = ranked.movie_ids[np.isin(ranked.movie_ids, ids)].tolist()
    if listed or not pin.is_single_movie or seen is None:
        return listed
    return ids[gate.mask_ids(ids) & ~np.isin(ids, seen)].tolist()


def _insert_pins(
    listed: RankedMovies, moved: RankedMovies, pinned: Sequence[tuple[int, int]], wanted: int
) -> RankedMovies:
    """A film that was not ranked gets a score below all."""
    if not pinned:
        return RankedMovies(listed.movie_ids[:wanted], listed.scores[:wanted])
    score = dict(zip(moved.movie_ids.tolist(), moved.scores.tolist(), strict=True))
    ids = [film for film in listed.movie_ids.tolist() if film not in dict(pinned)]
    for film, place in pinned:
        ids.insert(place, film)
    least = min(score.values(), default=0.0) - 1
    ids = ids[:wanted]
    return RankedMovies(np.array(ids, np.int32), np.array([score.get(film, least) for film in ids], np.float32))


def apply_to_home_rows(
    snapshot: CatalogueSnapshot,
    rows: Sequence["CandidateRow"],
    allowed: np.ndarray,
    now: int,
    rules_override: Sequence[MerchandisingRule] | None,
) -> dict[str, list[tuple[int, int]]]:
    """Moves the films of each row, and takes out those that are excluded from it. Returns what is pinned: by the row's
    key (place from 0, film as a row of the table), by place. `allowed` bool [films]: what the viewer may be shown.

    A film may be pinned to several rows, which is what a rule for every list says; the page shows it in the first."""
    pinned: dict[str, list[tuple[int, int]]] = {}
    for row in rows if (snapshot.table.merchandising_rules if rules_override is None else rules_override) else ():
        rules = active_rules(snapshot, f"home:{SHELF_BY_ROW_KIND.get(row.kind, row.kind)}", now, rules_override)
        if rules is None:
            continue
        if rules.excluded is not None:
            row.rows = row.rows[~rules.excluded[row.rows]]
        row.rows = row.rows[_shifted_order(rules.shift, row.rows)]
        for pin in rules.pins:
            found = (
                _pins_for_row(row, pin.rows[allowed[pin.rows]])
                if pin.is_single_movie
                else row.rows[np.isin(row.rows, pin.rows)]
            )
            taken = {film for _, film in pinned.get(row.key, [])}
            film = next((one for one in found.tolist() if one not in taken), None)
            if film is not None:
                pinned.setdefault(row.key, []).append((pin.position, film))
    return pinned


def _pins_for_row(row: "CandidateRow", films: np.ndarray) -> np.ndarray:
    """The films that a row of a genre, a person or a watched film is about; any film fits into another row."""
    return films if row.topic is None else films[np.isin(films, row.topic)]
