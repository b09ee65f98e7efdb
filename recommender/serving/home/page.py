"""A home page: rows with a reason each, no movie twice, in an order of the viewer's own."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from catalog.selectors import DetailedCard, MovieCard
from recommender.history import exclusions_from, has_known_movies
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.candidates.model_scoring import encode_viewers, top_by_model
from recommender.serving.context import RequestContext, load_ranker, load_viewer, open_context
from recommender.serving.degraded_mode import computing, older_list
from recommender.serving.filtering.attributes import explain_empty, suggest_names
from recommender.serving.home.films import FilmForm, load_films
from recommender.serving.home.merchandising import PinnedMovies, apply_to_home_rows
from recommender.serving.home.own_movies import find_own_movies
from recommender.serving.home.page_parts import Page, PageRow
from recommender.serving.home.rows import NO_OWN_MOVIES, CandidateRow, RowContext, build_rows
from recommender.serving.home.stored import PageRequest, PageStamps, read_page
from recommender.serving.list_sources import compute_and_store
from recommender.serving.metrics import instrumented
from recommender.serving.ranked_movies import RankedMovies
from recommender.serving.recording.list_log import flags_of, log_row
from recommender.serving.request import RecommendRequest
from recommender.serving.response import Source
from recommender.serving.taste import liked_movies
from recommender.serving.viewer import NO_IDS, ViewerProfile
from recommender.serving.wording.texts import Words

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

MIN_MOVIES = 4  # a shorter row is left out, unless the rows asked for are shorter or there are no more movies
SCORED_MOVIES = 5  # movies of a row whose scores decide its position
CANDIDATES = 200  # the model's best movies where the request has a time
NO_PINS: PinnedMovies = {}
TOP_KINDS, LAST_KIND = ("continue_watching", "top_picks"), "watch_again"
FIXED_KINDS = {*TOP_KINDS, LAST_KIND}  # whose place no score decides
# What a short page has first: of a viewer whom the model knows, and of others.
PERSONAL_ORDER = (
    "continue_watching",
    "top_picks",
    "because_you_watched",
    "trending_for_you",
    "new",
    "genre",
    "director",
    "actor",
    "watch_again",
    "popular",
    "popular_genre",
)
GENERIC_ORDER = (
    "continue_watching",
    "top_picks",  # of the stored list, while Postgres is down
    "because_you_watched",
    "trending",
    "popular",
    "new",
    "genre",
    "popular_genre",
    "director",
    "actor",
    "watch_again",
)


def as_card(card: MovieCard | DetailedCard) -> MovieCard | DetailedCard:
    """Leave a film's card as it is."""
    return card


@instrumented
def build_page(request: RecommendRequest, max_rows: int, row_length: int, form: FilmForm = as_card) -> Page:
    """Return a page of at most `max_rows` rows of at most `row_length` movies, as it is stored if that is current, else
    made now. `form`: what becomes of a film's card.

    A stored page costs one read of Redis and no query; another one query, for the history. Titles cost a query where
    this process has not shown them yet.
    """
    asked = PageRequest(request, max_rows, row_length)
    page, snapshot = read_page(asked) or _compute_page(asked, form)
    shown = {movie_id for row in page.rows for movie_id in row.movie_ids}
    page.films = load_films(shown, snapshot, page.languages, form, details=request.details)
    if len(page.films) < len(shown) or not all(film.is_complete for film in page.films.values()):
        page.basis = None
    _log_rows(asked.base, page)
    return page


def make_ahead(asked: PageRequest) -> bool:
    """Make and store a page that nobody has asked for yet, unless the stored one is current. Returns whether it was
    made."""
    if read_page(asked) is not None:
        return False
    _compute_page(asked, _no_form)
    return True


def _no_form(card: MovieCard | DetailedCard) -> None:
    """Make nothing of a film's card: its title is enough."""


def _log_rows(request: RecommendRequest, page: Page) -> None:
    flags = flags_of(degraded=page.degraded, known_viewer=page.is_known_viewer, rules=page.has_rules)
    for row in page.rows:
        log_row(
            row.recommendation_id,
            request,
            row.key,
            RankedMovies(np.array(row.movie_ids, np.int32), np.array(row.scores, np.float32)),
            row.source,
            page.model_version,
            viewer_id=page.viewer_id,
            versions=page.versions,
            flags=flags,
        )


def _compute_page(asked: PageRequest, form: FilmForm) -> tuple[Page, CatalogueSnapshot]:
    context = open_context(asked.base)  # one read of Redis
    with computing(context):
        stamps = PageStamps(asked, context)
        viewer = load_viewer(context)  # one query
        if context.request.viewer_id is not None and not viewer.exists and viewer.stored_list is None:
            stored = read_page(asked.for_nobody())
            if stored is not None:
                stored[0].viewer_id, stored[0].basis = context.request.viewer_id, None  # they may have one at any time
                return stored
        page = _make_page(context, viewer, asked.max_rows, asked.row_length, form)
        stamps.store(page, context.eligible_for(viewer), viewer.history)
    return page, context.snapshot


def _make_page(context: RequestContext, viewer: ViewerProfile, max_rows: int, row_length: int, form: FilmForm) -> Page:
    table, eligibility, request = context.snapshot.table, context.eligible_for(viewer), context.request
    row_context = _row_context(context, viewer)
    own = row_context.own
    rows, scores = build_rows(row_context, max_rows * row_length)
    pinned = apply_to_home_rows(context.snapshot, rows, row_context.allowed, eligibility.now, request.rules_override)
    order = GENERIC_ORDER if row_context.ranker is None else PERSONAL_ORDER
    first = [kind for kind in request.home_order if kind in order]
    candidates = round_robin(rows, [*first, *(kind for kind in order if kind not in first)])
    doubles = context.snapshot.doubles
    min_movies = min(MIN_MOVIES, row_length, max(1, int(row_context.allowed.sum()) - doubles.extra))
    chosen = choose_rows(candidates, scores, max_rows, row_length, min_movies, pinned, films=doubles.films)
    if request.home_order:
        chosen = put_first(chosen, request.home_order)
    languages = context.languages_for(viewer)
    named = [film for row in chosen for text in (row.title, row.reason) for film in text.films]
    shown = table.ids[np.concatenate([np.array(named, np.int64), *(row.rows for row in chosen)])].tolist()
    films = load_films(shown, context.snapshot, languages, form, details=request.details)
    words = Words(context.snapshot, languages, films)
    stored_list, versions = context.cache_read.stored_list, context.cache_read.versions
    model_version = stored_list.model if row_context.source == "cache" and stored_list is not None else None
    if row_context.ranker is not None:
        model_version = row_context.ranker.version
    viewer_version = viewer.version if viewer.stored_list is None else viewer.stored_list.viewer_version
    shares = np.nan_to_num(own.completions).astype(float).round(4).tolist()
    return Page(
        rows=[
            PageRow(
                *(row.kind, row.about, words.say(row.title), words.say(row.reason), row.source),
                movie_ids=table.ids[row.rows].tolist(),
                scores=[score if score > -np.inf else None for score in scores[row.rows].tolist()],
            )
            for row in chosen
        ],
        model_version=model_version,
        viewer_id=viewer.viewer_id or request.viewer_id or 0,
        versions=(viewer_version, versions.catalogue, versions.epoch),
        has_rules=context.rules is not None,
        is_known_viewer=viewer.exists,
        degraded=context.degraded,
        unknown_names=context.unknown_names,
        suggestions=suggest_names(context.snapshot, context.unknown_names),
        empty_reason="" if chosen else words.join(explain_empty(eligibility, request.filters, context.unknown_names)),
        completions=dict(zip(table.ids[own.started].tolist(), shares, strict=True)),
        language=context.snapshot.language_of(languages),
        languages=languages,
        data_set=table.data_set,
    )


def _row_context(context: RequestContext, viewer: ViewerProfile) -> RowContext:
    table, eligibility, ranker = context.snapshot.table, context.eligible_for(viewer), load_ranker(context)
    source: Source = "popular"
    state, picks = None, NO_IDS
    if viewer.stored_list is not None:
        ranker, picks, source = None, viewer.stored_list.movie_ids, "cache"
    elif context.overloaded:
        ranker, older = None, older_list(context, viewer)
        if older is not None:
            picks, source = older.movie_ids, "cache"
    elif ranker is not None and has_known_movies(viewer.events, ranker):
        state = encode_viewers(ranker, [viewer], context.request.requested_at)
        picks, source = _picks(context, viewer, ranker, state)
    else:
        ranker = None
    rows = table.rows_of(picks)
    liked = liked_movies(viewer.events, table).within_age_limit(table, eligibility.age_limit)
    own = NO_OWN_MOVIES
    if viewer.history is not None:
        may_be_seen = eligibility.mask_without(exclusions_from(viewer.history, with_seen=False).movie_ids)
        own = find_own_movies(viewer.history, context.snapshot, may_be_seen, liked, eligibility.now)
    return RowContext(
        context.snapshot,
        context.cache_read.epoch,
        allowed=eligibility.mask_without(viewer.seen_ids),
        liked=liked,
        picks=rows[rows >= 0],
        source=source,
        ranker=ranker,
        state=state,
        own=own,
        may_compute=not context.overloaded,
    )


def _picks(
    context: RequestContext, viewer: ViewerProfile, ranker: "Ranker", state: np.ndarray
) -> tuple[np.ndarray, Source]:
    """Return the viewer's list as movie ids, best first: the stored one, or one computed now, which is stored unless it
    is for a given time."""
    if context.request.requested_at is not None:
        eligibility = context.eligible_for(viewer)
        return top_by_model(ranker, state, CANDIDATES, eligibility, [viewer.seen_ids])[0].movie_ids, "model"
    stored_list = context.cache_read.current_list()
    if stored_list is not None and stored_list.viewer_version == viewer.version:
        return stored_list.movie_ids, "cache"
    return compute_and_store(context, viewer, ranker, state).movie_ids, "model"


def round_robin(rows: Sequence[CandidateRow], kinds: Sequence[str]) -> list[CandidateRow]:
    """Order rows: the first row of each of the `kinds`, in their order, then the second of each, and so on."""
    turns: dict[str, int] = {}
    order = []
    for row in rows:
        turn = turns[row.kind] = turns.get(row.kind, -1) + 1
        order.append((turn, kinds.index(row.kind), row))
    return [row for *_, row in sorted(order, key=lambda item: item[:2])]


def choose_rows(
    candidates: Sequence[CandidateRow],
    scores: np.ndarray,
    max_rows: int,
    row_length: int,
    min_movies: int,
    pinned: PinnedMovies = NO_PINS,
    *,
    films: np.ndarray,
) -> list[CandidateRow]:
    """Choose the first `max_rows` candidates that have `min_movies` movies once no film comes twice, in the viewer's
    order. `scores`: the model's, float32 [movies], -inf where it has none. `films`: a number of each movie's film,
    [movies]: doubles have one."""
    chosen, spare = list(candidates[:max_rows]), list(candidates[max_rows:])
    while True:
        page = _deduplicate(order_rows(chosen, scores, row_length), row_length, pinned, films)
        short = {row.key for row in page if len(row.rows) < (1 if row.kind == "continue_watching" else min_movies)}
        if not short:
            return page
        chosen = [row for row in chosen if row.key not in short]
        chosen += [spare.pop(0) for _ in short if spare]


def order_rows(rows: Sequence[CandidateRow], scores: np.ndarray, row_length: int) -> list[CandidateRow]:
    """Order rows: what was started, top picks, then always the row whose first five movies have the highest mean score
    of the model, among the rows of another kind than the row above; movies of the rows on top do not count. Without
    scores as they come. What may be watched again comes last: it has been seen."""
    ordered = [row for kind in TOP_KINDS for row in rows if row.kind == kind]
    picked = np.zeros(len(scores), bool)
    for row in ordered:
        picked[row.rows[:row_length]] = True
    remaining = [(_mean_score(row.rows[~picked[row.rows]], scores), row) for row in rows if row.kind not in FIXED_KINDS]
    while remaining:
        above = ordered[-1].kind if ordered else ""
        others = [item for item in remaining if item[1].kind != above] or remaining
        best = max(others, key=lambda item: item[0])
        remaining.remove(best)
        ordered.append(best[1])
    return ordered + [row for row in rows if row.kind == LAST_KIND]


def put_first(rows: Sequence[CandidateRow], kinds: Sequence[str]) -> list[CandidateRow]:
    """Put the rows of these kinds first, in the order of the kinds; the others follow as they are."""
    places = {kind: place for place, kind in enumerate(kinds)}
    return sorted(rows, key=lambda row: places.get(row.kind, len(places)))


def _mean_score(rows: np.ndarray, scores: np.ndarray) -> float:
    first = scores[rows[:SCORED_MOVIES]]
    known = first[first > -np.inf]
    return float(known.mean()) if len(known) else -np.inf


def _deduplicate(
    rows: Sequence[CandidateRow], row_length: int, pinned: PinnedMovies, films: np.ndarray
) -> list[CandidateRow]:
    """Cut each row to its first films that no row above shows; a film that a row loses is replaced by its next.

    A pinned movie stands once on the page: in the first row that it is pinned to.
    """
    row_of: dict[int, str] = {}  # a pinned film -> the key of its row
    for row in rows:
        for position, movie in pinned.get(row.key, ()):
            if position < row_length:
                row_of.setdefault(int(films[movie]), row.key)
    used = set(row_of)
    page = []
    for row in rows:
        movies: list[int] = []
        here: set[int] = set()
        for movie, film in zip(row.rows.tolist(), films[row.rows].tolist(), strict=True):
            if film not in used and film not in here:
                movies.append(movie)
                here.add(film)
                if len(movies) == row_length:
                    break
        for position, movie in pinned.get(row.key, ()):
            if row_of.get(int(films[movie])) == row.key:
                movies.insert(position, movie)
                del row_of[int(films[movie])]  # a double may be pinned beside it
        movies = movies[:row_length]
        used.update(films[movies].tolist())
        page.append(replace(row, rows=np.array(movies, np.int64)))
    return page
