"""A home page: rows with a reason each, no film twice, in an order of the viewer's own."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from catalog.selectors import MovieCard
from recommender.cache import StoredList
from recommender.serving import bereft, filters, merchandise, ranking, stamps
from recommender.serving.capacity import computing
from recommender.serving.likings import liked
from recommender.serving.query import Query
from recommender.serving.recommend import Sitting, active_ranker, asking, serves, sit, stocked
from recommender.serving.rows import Room, Row, built
from recommender.serving.subject import Subject
from recommender.serving.tally import tallied
from recommender.viewing import has_known_movies

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

Pinned = Mapping[str, Sequence[tuple[int, int]]]  # row's key -> (place from 0, row of the table), by place
LEAST = 4  # films; a shorter row is left out, unless the rows asked for are shorter or there are no more films
FIRST = 5  # films of a row whose scores decide its place
NOTHING_PINNED: Pinned = {}
POOL = 200  # the model's best films where the moment of asking is given
# What a short page has first: of a viewer whom the model knows, and of others.
MINE = (
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
EVERYONES = (
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
class Shown:
    """A row as it is shown."""

    row: Row
    movie_ids: list[int]
    recommendation_id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(kw_only=True, slots=True)
class Page:
    rows: list[Shown]
    model_version: str | None
    is_known_user: bool
    degraded: bool
    unknown_names: dict[str, list[str]]
    reason: str  # why there are no rows
    cards: dict[int, MovieCard]


@tallied
@computing()
def home(query: Query, most: int, length: int) -> Page:
    """`most` rows at most, of `length` films at most. Two queries: the history and the titles; without a viewer one."""
    sitting = sit(query, stamps.look(query.user_id))
    who = asking(sitting)
    ranker = active_ranker(sitting.look)
    sitting.degraded |= not serves(ranker, sitting.look)
    room = _room(sitting, who, ranker)
    rows, value = built(room, most * length)
    pinned = merchandise.on_home(room.catalogue, rows, room.allowed, sitting.gate.now, query.trial)
    candidates = by_turns(rows, EVERYONES if room.ranker is None else MINE)
    least = min(LEAST, length, max(1, int(room.allowed.sum())))
    shown = laid_out(candidates, value, most, length, least, pinned)
    ids = room.catalogue.table.ids
    listed = [Shown(row=row, movie_ids=ids[row.films].tolist()) for row in shown]
    return Page(
        rows=listed,
        model_version=_version(room, who),
        is_known_user=who.known,
        degraded=sitting.degraded,
        unknown_names=sitting.unknown_names,
        reason="" if listed else filters.why_empty(sitting.gate, query.filters, sitting.unknown_names),
        cards=bereft.cards([movie for one in listed for movie in one.movie_ids], room.catalogue),
    )


def _version(room: Room, who: Subject) -> str | None:
    if room.ranker is not None:
        return room.ranker.version
    return who.stored.model if who.stored is not None else None


def _room(sitting: Sitting, who: Subject, ranker: "Ranker | None") -> Room:
    gate = sitting.gate
    table, allowed = gate.catalogue.table, gate.films()
    barred = table.rows_of(np.concatenate([who.seen, gate.exclude]))
    allowed[barred[barred >= 0]] = False
    spoken_of = liked(who.events, table).within(table, gate.age_limit)
    room = Room(gate.catalogue, sitting.look.stamps.epoch or 0, allowed, spoken_of)
    if who.stored is not None:
        best = table.rows_of(who.stored.movie_ids)
        room.best, room.source = best[best >= 0], "cache"
    elif ranker is not None and has_known_movies(who.events, ranker):
        room.ranker, room.state = ranker, ranking.states(ranker, [who], sitting.query.at)
        best = table.rows_of(_best(sitting, who, room))
        room.best = best[best >= 0]
    return room


def _best(sitting: Sitting, who: Subject, room: Room) -> np.ndarray:
    """Film ids, the best first: the stored list, or else one made now, which is stored unless it is of a moment."""
    ranker, state = room.ranker, room.state
    assert ranker is not None
    assert state is not None
    stored: StoredList | None = sitting.look.valid_list() if sitting.query.at is None else None
    room.source = "model" if stored is None else "cache"
    if stored is None and sitting.query.at is None:
        stored = stocked(sitting, who, ranker, state)
    if stored is not None:
        return stored.movie_ids
    return ranking.best(ranker, state, POOL, sitting.gate, [who.seen])[0].movie_ids


def by_turns(rows: Sequence[Row], kinds: Sequence[str]) -> list[Row]:
    """The first row of each of the `kinds`, in their order, then the second of each, and so on."""
    turns: dict[str, int] = {}
    placed = []
    for row in rows:
        turn = turns[row.kind] = turns.get(row.kind, -1) + 1
        placed.append((turn, kinds.index(row.kind), row))
    return [row for *_, row in sorted(placed, key=lambda one: one[:2])]


def laid_out(
    candidates: Sequence[Row], value: np.ndarray, most: int, length: int, least: int, pinned: Pinned = NOTHING_PINNED
) -> list[Row]:
    """The first `most` candidates that have `least` films once no film comes twice, in the viewer's order."""
    chosen, spare = list(candidates[:most]), list(candidates[most:])
    while True:
        page = _without_repeats(in_order(chosen, value, length), length, pinned)
        short = {row.key for row in page if len(row.films) < least}
        if not short:
            return page
        chosen = [row for row in chosen if row.key not in short]
        chosen += [spare.pop(0) for _ in short if spare]


def in_order(rows: Sequence[Row], value: np.ndarray, length: int) -> list[Row]:
    """Top picks first; then always the row whose first five films have the highest mean score of the model, films of
    the top picks not counted, among the rows of another kind than the row above. Without scores as they come."""
    top = [row for row in rows if row.kind == "top_picks"]
    picked = np.zeros(len(value), bool)
    for row in top:
        picked[row.films[:length]] = True
    left = [(_worth(row.films[~picked[row.films]], value), row) for row in rows if row.kind != "top_picks"]
    while left:
        above = top[-1].kind if top else ""
        others = [one for one in left if one[1].kind != above] or left
        best = max(others, key=lambda one: one[0])
        left.remove(best)
        top.append(best[1])
    return top


def _worth(films: np.ndarray, value: np.ndarray) -> float:
    first = value[films[:FIRST]]
    scored = first[first > -np.inf]
    return float(scored.mean()) if len(scored) else -np.inf


def _without_repeats(rows: Sequence[Row], length: int, pinned: Pinned) -> list[Row]:
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
        for film in row.films.tolist():
            if film not in taken:
                films.append(film)
                if len(films) == length:
                    break
        for place, film in pinned.get(row.key, ()):
            if row_of.get(film) == row.key:
                films.insert(place, film)
        films = films[:length]
        taken.update(films)
        page.append(replace(row, films=np.array(films, np.int64)))
    return page
