"""A home page: rows with a reason each, no film twice, in an order of the viewer's own."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from catalog.selectors import MovieCard
from recommender.cache import StoredList
from recommender.history import has_known_movies
from recommender.serving import current_versions, degraded_mode
from recommender.serving.candidates import model_scoring
from recommender.serving.concurrency import compute_slot
from recommender.serving.filtering import attributes
from recommender.serving.home.rows import CandidateRow, RowContext, build_rows
from recommender.serving.metrics import instrumented
from recommender.serving.pipeline import (
    RequestContext,
    active_ranker,
    compute_and_store,
    is_active_model,
    load_viewer,
    open_context,
)
from recommender.serving.request import RecommendRequest
from recommender.serving.reranking import merchandising
from recommender.serving.taste import liked_movies
from recommender.serving.viewer import ViewerProfile

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

PinnedMovies = Mapping[str, Sequence[tuple[int, int]]]  # row's key -> (place from 0, row of the table), by place
MIN_MOVIES = 4  # films; a shorter row is left out, unless the rows asked for are shorter or there are no more films
SCORED_MOVIES = 5  # films of a row whose scores decide its place
NO_PINS: PinnedMovies = {}
CANDIDATES = 200  # the model's best films where the moment of asking is given
# What a short page has first: of a viewer whom the model knows, and of others.
PERSONAL_ORDER = (
    "top_picks",
    "because_you_watched",
    "trending_for_you",
    "new",
    "genre",
    "director",
    "actor",
    "popular",
    "popular_genre",
)
GENERIC_ORDER = (
    "top_picks",  # of the stored list, while Postgres is gone
    "because_you_watched",
    "trending",
    "popular",
    "new",
    "genre",
    "popular_genre",
    "director",
    "actor",
)


@dataclass(kw_only=True, slots=True)
class RenderedRow:
    """A row as it is shown."""

    row: CandidateRow
    movie_ids: list[int]
    recommendation_id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(kw_only=True, slots=True)
class Page:
    rows: list[RenderedRow]
    model_version: str | None
    is_known_viewer: bool
    degraded: bool
    unknown_names: dict[str, list[str]]
    empty_reason: str  # why there are no rows
    movie_cards: dict[int, MovieCard]


@instrumented
@compute_slot()
def build_page(request: RecommendRequest, max_rows: int, row_length: int) -> Page:
    """`most` rows at most, of `length` films at most. Two queries: the history and the titles; without a viewer one."""
    sitting = open_context(request, current_versions.read_versions(request.viewer_id))
    who = load_viewer(sitting)
    ranker = active_ranker(sitting.cache_read)
    sitting.degraded |= not is_active_model(ranker, sitting.cache_read)
    room = _room(sitting, who, ranker)
    rows, value = build_rows(room, max_rows * row_length)
    pinned = merchandising.apply_to_home_rows(
        room.snapshot, rows, room.allowed, sitting.eligibility.now, request.rules_override
    )
    candidates = round_robin(rows, GENERIC_ORDER if room.ranker is None else PERSONAL_ORDER)
    least = min(MIN_MOVIES, row_length, max(1, int(room.allowed.sum())))
    shown = choose_rows(candidates, value, max_rows, row_length, least, pinned)
    ids = room.snapshot.table.ids
    listed = [RenderedRow(row=row, movie_ids=ids[row.rows].tolist()) for row in shown]
    return Page(
        rows=listed,
        model_version=_version(room, who),
        is_known_viewer=who.exists,
        degraded=sitting.degraded,
        unknown_names=sitting.unknown_names,
        empty_reason=""
        if listed
        else attributes.explain_empty(sitting.eligibility, request.filters, sitting.unknown_names),
        movie_cards=degraded_mode.load_movie_cards([movie for one in listed for movie in one.movie_ids], room.snapshot),
    )


def _version(room: RowContext, who: ViewerProfile) -> str | None:
    if room.ranker is not None:
        return room.ranker.version
    return who.stored_list.model if who.stored_list is not None else None


def _room(sitting: RequestContext, who: ViewerProfile, ranker: "Ranker | None") -> RowContext:
    gate = sitting.eligibility
    table, allowed = gate.snapshot.table, gate.mask()
    barred = table.rows_of(np.concatenate([who.seen_ids, gate.excluded_ids]))
    allowed[barred[barred >= 0]] = False
    spoken_of = liked_movies(who.events, table).within_age_limit(table, gate.age_limit)
    room = RowContext(gate.snapshot, sitting.cache_read.versions.epoch or 0, allowed, spoken_of)
    if who.stored_list is not None:
        best = table.rows_of(who.stored_list.movie_ids)
        room.best, room.source = best[best >= 0], "cache"
    elif ranker is not None and has_known_movies(who.events, ranker):
        room.ranker, room.state = ranker, model_scoring.encode_viewers(ranker, [who], sitting.request.requested_at)
        best = table.rows_of(_best(sitting, who, room))
        room.best = best[best >= 0]
    return room


def _best(sitting: RequestContext, who: ViewerProfile, room: RowContext) -> np.ndarray:
    """Film ids, the best first: the stored list, or else one made now, which is stored unless it is of a moment."""
    ranker, state = room.ranker, room.state
    assert ranker is not None
    assert state is not None
    stored: StoredList | None = sitting.cache_read.current_list() if sitting.request.requested_at is None else None
    room.source = "model" if stored is None else "cache"
    if stored is None and sitting.request.requested_at is None:
        stored = compute_and_store(sitting, who, ranker, state)
    if stored is not None:
        return stored.movie_ids
    return model_scoring.top_by_model(ranker, state, CANDIDATES, sitting.eligibility, [who.seen_ids])[0].movie_ids


def round_robin(rows: Sequence[CandidateRow], kinds: Sequence[str]) -> list[CandidateRow]:
    """The first row of each of the `kinds`, in their order, then the second of each, and so on."""
    turns: dict[str, int] = {}
    placed = []
    for row in rows:
        turn = turns[row.kind] = turns.get(row.kind, -1) + 1
        placed.append((turn, kinds.index(row.kind), row))
    return [row for *_, row in sorted(placed, key=lambda one: one[:2])]


def choose_rows(
    candidates: Sequence[CandidateRow],
    value: np.ndarray,
    max_rows: int,
    row_length: int,
    min_movies: int,
    pinned: PinnedMovies = NO_PINS,
) -> list[CandidateRow]:
    """The first `most` candidates that have `least` films once no film comes twice, in the viewer's order."""
    chosen, spare = list(candidates[:max_rows]), list(candidates[max_rows:])
    while True:
        page = _deduplicate(order_rows(chosen, value, row_length), row_length, pinned)
        short = {row.key for row in page if len(row.rows) < min_movies}
        if not short:
            return page
        chosen = [row for row in chosen if row.key not in short]
        chosen += [spare.pop(0) for _ in short if spare]


def order_rows(rows: Sequence[CandidateRow], value: np.ndarray, row_length: int) -> list[CandidateRow]:
    """Top picks first; then always the row whose first five films have the highest mean score of the model, films of
    the top picks not counted, among the rows of another kind than the row above. Without scores as they come."""
    top = [row for row in rows if row.kind == "top_picks"]
    picked = np.zeros(len(value), bool)
    for row in top:
        picked[row.rows[:row_length]] = True
    left = [(_mean_score(row.rows[~picked[row.rows]], value), row) for row in rows if row.kind != "top_picks"]
    while left:
        above = top[-1].kind if top else ""
        others = [one for one in left if one[1].kind != above] or left
        best = max(others, key=lambda one: one[0])
        left.remove(best)
        top.append(best[1])
    return top


def _mean_score(films: np.ndarray, value: np.ndarray) -> float:
    first = value[films[:SCORED_MOVIES]]
    scored = first[first > -np.inf]
    return float(scored.mean()) if len(scored) else -np.inf


def _deduplicate(rows: Sequence[CandidateRow], length: int, pinned: PinnedMovies) -> list[CandidateRow]:
    """Each row with its first films that no row above shows. A film that a row loses is replaced by its next. A pinned
    film stands once on the page: in the first row that it is pinned to."""
    row_of: dict[int, str] = {}  # a pinned film -> the key of its row
    for row in rows:
        for place, film in pinned.get(row.key, ()):
            if place < length:
                row_of.setdefault(film, row.key)
    taken = set(row_of)
    page = []
    for row in rows:
        films: list[int] = []
        for film in row.rows.tolist():
            if film not in taken:
                films.append(film)
                if len(films) == length:
                    break
        for place, film in pinned.get(row.key, ()):
            if row_of.get(film) == row.key:
                films.insert(place, film)
        films = films[:length]
        taken.update(films)
        page.append(replace(row, rows=np.array(films, np.int64)))
    return page
