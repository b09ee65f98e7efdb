"""The rows that a home page may have, each with more films than it shows; the page takes from them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving import taste
from recommender.serving.candidates import charts, model_scoring
from recommender.serving.candidates.trending import rank_positions, reciprocal_rank_fusion
from recommender.serving.request import ChartName, Source
from recommender.serving.similar import hybrid_similarity, top_allowed
from recommender.serving.taste import FavouritePerson, LikedMovies

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

MAX_SEED_ROWS, MAX_GENRE_ROWS, MAX_PEOPLE_ROWS = 3, 3, 2  # rows of a kind at most
RECENT = 12  # liked films, the newest, of which anchors are chosen
MAX_NEIGHBOURS = 100  # neighbours of an anchor
NEAR_DUPLICATES = (
    20  # an anchor among so many neighbours of an earlier one would give the same row again; a pin has to be one
)
TREND_POOL = 200  # films at the head of the trend that a viewer's taste orders anew
TOP_POPULAR = 2_000  # popular films that genre rows are filled from
NEW_SHARE, MIN_NEW, MAX_NEW = 0.05, 20, 200  # the newest films: of those that can be watched now


@dataclass(slots=True)
class CandidateRow:
    kind: str
    title: str
    reason: str
    source: Source
    rows: np.ndarray  # rows of the catalogue's table, best first
    about: str = ""  # the film id or the name that the title speaks of
    topic: np.ndarray | None = None  # rows of all films that the title is true of; None: of any film

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.about}" if self.about else self.kind


@dataclass
class RowContext:
    """What rows are built from: the films that may be shown, the charts, and what is known of the viewer."""

    snapshot: CatalogueSnapshot
    epoch: int
    allowed: np.ndarray  # bool [films]
    liked: LikedMovies
    best: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # the model's list, as rows
    source: Source = "popular"  # of that list
    ranker: "Ranker | None" = None
    state: np.ndarray | None = None  # float32 [1, S], of the viewer

    @cached_property
    def baseline_genre_shares(self) -> np.ndarray:
        """float64 [genres]: their shares of what everyone watches."""
        popular = charts.rank_chart("popular", self.snapshot, self.epoch)
        return taste.genre_shares(self.snapshot.table, popular.rows[:TOP_POPULAR], popular.scores[:TOP_POPULAR])

    def chart(self, name: ChartName, most: int | None = None) -> np.ndarray:
        rows = charts.rank_chart(name, self.snapshot, self.epoch).rows
        return rows[self.allowed[rows]][:most]


def build_rows(room: RowContext, most: int) -> tuple[list[CandidateRow], np.ndarray]:
    """All rows, those of a kind together, the most telling first, with about `most` films each where there are so many;
    and the model's score of every film on them (float32 [films], -inf where it has none), given in one go."""
    rows = [*_personal_rows(room), *_generic_rows(room, most), *_taste_rows(room, most)]
    value = np.full(len(room.allowed), -np.inf, np.float32)
    if room.ranker is not None and room.state is not None:
        films = np.unique(np.concatenate([row.rows for row in rows]))
        value[films] = model_scoring.score_movies(room.ranker, room.state, room.snapshot.table.ids[films])
    for row in rows:
        row.rows = _order_row(room, row, value[row.rows])
    return rows, value


def _personal_rows(room: RowContext) -> Iterator[CandidateRow]:
    if len(room.best):
        words = "Chosen for you from everything you have watched."
        yield CandidateRow("top_picks", "Top picks for you", words, room.source, room.best[room.allowed[room.best]])
    table = room.snapshot.table
    for anchor, warmly, near in _seed_movies(room):
        title = table.titles[anchor]
        words = f"You liked {title}." if warmly else f"You watched {title}."
        about = str(table.ids[anchor])
        yield CandidateRow(
            "because_you_watched", f"Because you watched {title}", words, "similar", near, about, near[:NEAR_DUPLICATES]
        )


def _seed_movies(room: RowContext) -> Iterator[tuple[int, bool, np.ndarray]]:
    """Films liked lately, those liked warmly first, with their neighbours; none that is near to an earlier one."""
    rows, warmly = room.liked.rows[:RECENT], room.liked.strongly[:RECENT]
    near_already, found = set[int](), 0
    for place in np.argsort(~warmly, kind="stable").tolist():
        anchor = int(rows[place])
        if anchor in near_already or found == MAX_SEED_ROWS:
            continue
        near = neighbours_of(room.snapshot, room.ranker, anchor)
        near_already.update(near[:NEAR_DUPLICATES].tolist())
        found += 1
        yield anchor, bool(warmly[place]), near[room.allowed[near]]


def neighbours_of(snapshot: CatalogueSnapshot, ranker: "Ranker | None", row: int) -> np.ndarray:
    """Finds the rows of the published films most like the one at `row`, the nearest first: the same for everyone and at
    every time, so that a film whose window opens later is among them."""

    def found() -> np.ndarray:
        likeness, _ = hybrid_similarity(snapshot, ranker, row)
        published = snapshot.table.published.copy()
        published[row] = False
        return top_allowed(likeness, published, MAX_NEIGHBOURS)

    return snapshot.neighbour_cache.get((row, ranker.version if ranker is not None else None), found)


def _generic_rows(room: RowContext, most: int) -> Iterator[CandidateRow]:
    mine = room.state is not None
    if mine:
        words = "Watched more than usual lately, what suits you first."
        yield CandidateRow(
            "trending_for_you", "Trending for you", words, "trending_for_you", room.chart("trending", TREND_POOL)
        )
    else:
        yield CandidateRow(
            "trending", "Trending now", "Watched more than usual lately.", "trending", room.chart("trending", most)
        )
    newest = charts.rank_chart("latest", room.snapshot, room.epoch).rows
    newest = newest[room.snapshot.table.published[newest]]
    newest = newest[: int(np.clip(NEW_SHARE * len(newest), MIN_NEW, MAX_NEW))]
    words = "The newest films here" + (", what suits you first." if len(room.liked.rows) else ".")
    yield CandidateRow("new", "New films", words, "latest", newest[room.allowed[newest]])
    yield CandidateRow("popular", "Popular", "What everyone watches.", "popular", room.chart("popular", most))


def _taste_rows(room: RowContext, most: int) -> Iterator[CandidateRow]:
    table, films = room.snapshot.table, room.liked.rows
    head = np.concatenate([room.best[room.allowed[room.best]], room.chart("popular", TOP_POPULAR)])
    head = head[np.sort(np.unique(head, return_index=True)[1])]
    owner, entry = taste.csr_gather(table.genre_start, head)
    love = taste.genre_lift(table, films, room.baseline_genre_shares) if len(films) else room.baseline_genre_shares
    for genre in np.argsort(-love, kind="stable")[:MAX_GENRE_ROWS].tolist():
        if love[genre] > 0:
            name, inside = table.genre_names[genre], head[owner[table.genre_of[entry] == genre]]
            row = _genre_row(name, inside[:most], mine=len(films) > 0, modelled=room.state is not None)
            row.topic = room.snapshot.movies_by_genre.postings(genre)
            yield row
    for person in taste.favourite_people(table, films, MAX_PEOPLE_ROWS):
        near = taste.movies_of_person(table, person)
        yield _person_row(room, person, near[room.allowed[near]])


def _genre_row(name: str, films: np.ndarray, *, mine: bool, modelled: bool) -> CandidateRow:
    if not mine:
        return CandidateRow(
            "popular_genre", f"Popular in {name}", f"What everyone watches in {name}.", "popular", films, name
        )
    source: Source = "model" if modelled else "popular"
    return CandidateRow(
        "genre", f"More in {name}", f"You watch more films in {name} than most people do.", source, films, name
    )


def _person_row(room: RowContext, person: FavouritePerson, films: np.ndarray) -> CandidateRow:
    table = room.snapshot.table
    name, liked = table.person_names[person.number], [table.titles[film] for film in person.rows[:2]]
    directs = person.role == taste.DIRECTOR
    kind, title = ("director", f"More by {name}") if directs else ("actor", f"More with {name}")
    source: Source = "model" if room.state is not None else "content"
    words = f"You liked {liked[0]} and {liked[1]}."
    return CandidateRow(kind, title, words, source, films, name, films)


def _order_row(room: RowContext, row: CandidateRow, value: np.ndarray) -> np.ndarray:
    """The row's films as it shows them. Trending mixes the trend with the model's ranking (trend.blended). New: by the
    model's ranking among them, and those that it does not know yet by their genres, each as its place in per cent."""
    if row.kind == "trending_for_you":
        return row.rows[
            np.argsort(-reciprocal_rank_fusion(np.arange(len(value)), rank_positions(value)), kind="stable")
        ]
    if row.kind in ("genre", "director", "actor"):
        return row.rows[np.argsort(-value, kind="stable")]
    if row.kind == "new" and len(room.liked.rows) and len(value):
        known, content = value > -np.inf, _genre_scores(room, row.rows)
        by_model = rank_positions(value) / max(1, np.count_nonzero(known))
        return row.rows[np.argsort(np.where(known, by_model, rank_positions(content) / len(value)), kind="stable")]
    return row.rows


def _genre_scores(room: RowContext, films: np.ndarray) -> np.ndarray:
    """float64 [n]: how far a viewer's share of each film's genres lies above everyone's, on average over its genres."""
    table = room.snapshot.table
    love = np.maximum(taste.genre_lift(table, room.liked.rows, room.baseline_genre_shares), 0)
    owner, entry = taste.csr_gather(table.genre_start, films)
    total = np.bincount(owner, love[table.genre_of[entry]], minlength=len(films))
    return np.asarray(total / np.maximum(np.bincount(owner, minlength=len(films)), 1))
