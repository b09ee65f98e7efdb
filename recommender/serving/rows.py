"""The rows that a home page may have, each with more films than it shows; the page takes from them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from recommender.serving import charts, likings, ranking
from recommender.serving.eligibility import Catalogue
from recommender.serving.likings import Liked, Person
from recommender.serving.query import ChartName, Source
from recommender.serving.similar import first, likeness_to
from recommender.serving.trend import blended, places

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

ANCHORS, GENRES, PEOPLE = 3, 3, 2  # rows of a kind at most
LATELY = 12  # liked films, the newest, of which anchors are chosen
KIN = 100  # neighbours of an anchor
KINDRED = 20  # an anchor among so many neighbours of an earlier one would give the same row again; a pin has to be one
TREND = 200  # films at the head of the trend that a viewer's taste orders anew
HEAD = 2_000  # popular films that genre rows are filled from
NEW_SHARE, NEW_FEWEST, NEW_MOST = 0.05, 20, 200  # the newest films: of those that can be watched now


@dataclass(slots=True)
class Row:
    kind: str
    title: str
    reason: str
    source: Source
    films: np.ndarray  # rows of the catalogue's table, best first
    about: str = ""  # the film id or the name that the title speaks of
    topic: np.ndarray | None = None  # rows of all films that the title is true of; None: of any film

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.about}" if self.about else self.kind


@dataclass
class Room:
    """What rows are built from: the films that may be shown, the charts, and what is known of the viewer."""

    catalogue: Catalogue
    epoch: int
    allowed: np.ndarray  # bool [films]
    liked: Liked
    best: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))  # the model's list, as rows
    source: Source = "popular"  # of that list
    ranker: "Ranker | None" = None
    state: np.ndarray | None = None  # float32 [1, S], of the viewer

    @cached_property
    def usual(self) -> np.ndarray:
        """float64 [genres]: their shares of what everyone watches."""
        popular = charts.chart("popular", self.catalogue, self.epoch)
        return likings.genre_shares(self.catalogue.table, popular.rows[:HEAD], popular.scores[:HEAD])

    def chart(self, name: ChartName, most: int | None = None) -> np.ndarray:
        rows = charts.chart(name, self.catalogue, self.epoch).rows
        return rows[self.allowed[rows]][:most]


def built(room: Room, most: int) -> tuple[list[Row], np.ndarray]:
    """All rows, those of a kind together, the most telling first, with about `most` films each where there are so many;
    and the model's score of every film on them (float32 [films], -inf where it has none), given in one go."""
    rows = [*_own(room), *_everyones(room, most), *_by_taste(room, most)]
    value = np.full(len(room.allowed), -np.inf, np.float32)
    if room.ranker is not None and room.state is not None:
        films = np.unique(np.concatenate([row.films for row in rows]))
        value[films] = ranking.rated(room.ranker, room.state, room.catalogue.table.ids[films])
    for row in rows:
        row.films = _in_order(room, row, value[row.films])
    return rows, value


def _own(room: Room) -> Iterator[Row]:
    if len(room.best):
        words = "Chosen for you from everything you have watched."
        yield Row("top_picks", "Top picks for you", words, room.source, room.best[room.allowed[room.best]])
    table = room.catalogue.table
    for anchor, warmly, near in _anchors(room):
        title = table.titles[anchor]
        words = f"You liked {title}." if warmly else f"You watched {title}."
        about = str(table.ids[anchor])
        yield Row("because_you_watched", f"Because you watched {title}", words, "similar", near, about, near[:KINDRED])


def _anchors(room: Room) -> Iterator[tuple[int, bool, np.ndarray]]:
    """Films liked lately, those liked warmly first, with their neighbours; none that is near to an earlier one."""
    rows, warmly = room.liked.rows[:LATELY], room.liked.warmly[:LATELY]
    near_already, found = set[int](), 0
    for place in np.argsort(~warmly, kind="stable").tolist():
        anchor = int(rows[place])
        if anchor in near_already or found == ANCHORS:
            continue
        near = neighbours(room.catalogue, room.ranker, anchor)
        near_already.update(near[:KINDRED].tolist())
        found += 1
        yield anchor, bool(warmly[place]), near[room.allowed[near]]


def neighbours(films: Catalogue, ranker: "Ranker | None", row: int) -> np.ndarray:
    """Finds the rows of the published films most like the one at `row`, the nearest first: the same for everyone and at
    every time, so that a film whose window opens later is among them."""

    def found() -> np.ndarray:
        likeness, _ = likeness_to(films, ranker, row)
        published = films.table.published.copy()
        published[row] = False
        return first(likeness, published, KIN)

    return films.neighbours.get((row, ranker.version if ranker is not None else None), found)


def _everyones(room: Room, most: int) -> Iterator[Row]:
    mine = room.state is not None
    if mine:
        words = "Watched more than usual lately, what suits you first."
        yield Row("trending_for_you", "Trending for you", words, "trending_for_you", room.chart("trending", TREND))
    else:
        yield Row(
            "trending", "Trending now", "Watched more than usual lately.", "trending", room.chart("trending", most)
        )
    newest = charts.chart("latest", room.catalogue, room.epoch).rows
    newest = newest[room.catalogue.table.published[newest]]
    newest = newest[: int(np.clip(NEW_SHARE * len(newest), NEW_FEWEST, NEW_MOST))]
    words = "The newest films here" + (", what suits you first." if len(room.liked.rows) else ".")
    yield Row("new", "New films", words, "latest", newest[room.allowed[newest]])
    yield Row("popular", "Popular", "What everyone watches.", "popular", room.chart("popular", most))


def _by_taste(room: Room, most: int) -> Iterator[Row]:
    table, films = room.catalogue.table, room.liked.rows
    head = np.concatenate([room.best[room.allowed[room.best]], room.chart("popular", HEAD)])
    head = head[np.sort(np.unique(head, return_index=True)[1])]
    owner, entry = likings.gathered(table.genre_start, head)
    love = likings.genre_surprise(table, films, room.usual) if len(films) else room.usual
    for genre in np.argsort(-love, kind="stable")[:GENRES].tolist():
        if love[genre] > 0:
            name, inside = table.genre_names[genre], head[owner[table.genre_of[entry] == genre]]
            row = _genre_row(name, inside[:most], mine=len(films) > 0, modelled=room.state is not None)
            row.topic = room.catalogue.genre_films.run(genre)
            yield row
    for person in likings.loved_people(table, films, PEOPLE):
        near = likings.films_of(table, person)
        yield _person_row(room, person, near[room.allowed[near]])


def _genre_row(name: str, films: np.ndarray, *, mine: bool, modelled: bool) -> Row:
    if not mine:
        return Row("popular_genre", f"Popular in {name}", f"What everyone watches in {name}.", "popular", films, name)
    source: Source = "model" if modelled else "popular"
    return Row("genre", f"More in {name}", f"You watch more films in {name} than most people do.", source, films, name)


def _person_row(room: Room, person: Person, films: np.ndarray) -> Row:
    table = room.catalogue.table
    name, liked = table.person_names[person.number], [table.titles[film] for film in person.films[:2]]
    directs = person.role == likings.DIRECTOR
    kind, title = ("director", f"More by {name}") if directs else ("actor", f"More with {name}")
    source: Source = "model" if room.state is not None else "content"
    words = f"You liked {liked[0]} and {liked[1]}."
    return Row(kind, title, words, source, films, name, films)


def _in_order(room: Room, row: Row, value: np.ndarray) -> np.ndarray:
    """The row's films as it shows them. Trending mixes the trend with the model's ranking (trend.blended). New: by the
    model's ranking among them, and those that it does not know yet by their genres, each as its place in per cent."""
    if row.kind == "trending_for_you":
        return row.films[np.argsort(-blended(np.arange(len(value)), places(value)), kind="stable")]
    if row.kind in ("genre", "director", "actor"):
        return row.films[np.argsort(-value, kind="stable")]
    if row.kind == "new" and len(room.liked.rows) and len(value):
        known, content = value > -np.inf, _content(room, row.films)
        by_model = places(value) / max(1, np.count_nonzero(known))
        return row.films[np.argsort(np.where(known, by_model, places(content) / len(value)), kind="stable")]
    return row.films


def _content(room: Room, films: np.ndarray) -> np.ndarray:
    """float64 [n]: how far a viewer's share of each film's genres lies above everyone's, on average over its genres."""
    table = room.catalogue.table
    love = np.maximum(likings.genre_surprise(table, room.liked.rows, room.usual), 0)
    owner, entry = likings.gathered(table.genre_start, films)
    total = np.bincount(owner, love[table.genre_of[entry]], minlength=len(films))
    return np.asarray(total / np.maximum(np.bincount(owner, minlength=len(films)), 1))
