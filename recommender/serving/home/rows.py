"""The rows that a home page may have, each with more movies than it shows; the page takes from them.

A new row needs a builder here and the place of its kind in the orders of `home.page`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from recommender.movies.indexes import csr_gather
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving import taste
from recommender.serving.candidates.charts import rank_chart
from recommender.serving.candidates.model_scoring import score_movies
from recommender.serving.candidates.neighbours import neighbours_of
from recommender.serving.candidates.trending import rank_positions, reciprocal_rank_fusion
from recommender.serving.home.own_movies import OwnMovies
from recommender.serving.request import ChartName
from recommender.serving.response import Source
from recommender.serving.taste import LikedMovies
from recommender.serving.wording.texts import Text

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

MAX_SEED_ROWS, MAX_GENRE_ROWS, MAX_PEOPLE_ROWS = 3, 3, 2
RECENT = 12  # liked movies, the newest, of which seeds are chosen
NEAR_DUPLICATES = 20  # a seed among so many neighbours of an earlier one gives the same row again; a pin has to be one
TREND_POOL = 200  # movies at the head of the trend that a viewer's taste orders anew
TOP_POPULAR = 2_000  # popular movies that genre rows are filled from
NEW_SHARE, MIN_NEW, MAX_NEW = 0.05, 20, 200  # the newest movies: of those that can be watched now

NO_OWN_MOVIES = OwnMovies()


@dataclass(slots=True)
class CandidateRow:
    """A row that the page may show."""

    kind: str
    title: Text
    reason: Text
    source: Source
    rows: np.ndarray  # movies as rows of the catalogue's table, best first
    about: str = ""  # the movie id or the name that the title speaks of
    topic: np.ndarray | None = None  # rows of all movies that the title is true of; None: of any movie

    @property
    def key(self) -> str:
        """The kind and what the row is about: once on a page."""
        return f"{self.kind}:{self.about}" if self.about else self.kind


@dataclass(frozen=True)
class RowContext:
    """What rows are built from: the movies that may be shown, the charts, and what is known of the viewer."""

    snapshot: CatalogueSnapshot
    epoch: int
    allowed: np.ndarray  # bool [movies]
    liked: LikedMovies
    picks: np.ndarray  # the viewer's own list, as rows
    source: Source  # of that list
    ranker: "Ranker | None" = None  # None where the model knows nothing of the viewer
    state: np.ndarray | None = None  # float32 [1, S], of the viewer
    own: OwnMovies = NO_OWN_MOVIES
    may_compute: bool = True  # False: no place to compute in was free, and rows that cost much are left out

    @cached_property
    def baseline_genre_shares(self) -> np.ndarray:
        """The genres' shares of what everyone watches, float64 [genres]."""
        popular = rank_chart("popular", self.snapshot, self.epoch)
        return taste.genre_shares(self.snapshot.table, popular.rows[:TOP_POPULAR], popular.scores[:TOP_POPULAR])

    def allowed_of(self, rows: np.ndarray) -> np.ndarray:
        """Return those of the movies at `rows` that may be shown."""
        return rows[self.allowed[rows]]

    def chart(self, name: ChartName, limit: int) -> np.ndarray:
        """Return the first movies of a chart that may be shown, as rows."""
        return self.allowed_of(rank_chart(name, self.snapshot, self.epoch).rows)[:limit]


def build_rows(context: RowContext, limit: int) -> tuple[list[CandidateRow], np.ndarray]:
    """Build all rows, those of a kind together, the most telling first, with about `limit` movies each.

    Returns the model's score of every movie on them too, float32 [movies], -inf where it has none: they are computed at
    once.
    """
    rows = [*_own_rows(context), *_personal_rows(context), *_generic_rows(context, limit), *_taste_rows(context, limit)]
    scores = np.full(len(context.allowed), -np.inf, np.float32)
    if context.ranker is not None and context.state is not None:
        listed = np.unique(np.concatenate([row.rows for row in rows]))
        scores[listed] = score_movies(context.ranker, context.state, context.snapshot.table.ids[listed])
    for row in rows:
        row.rows = _order_row(context, row, scores[row.rows])
    return rows, scores


def _own_rows(context: RowContext) -> Iterator[CandidateRow]:
    """Yield what the viewer started, and what they liked long ago."""
    own = context.own
    if len(own.started):
        films = "it" if len(own.started) == 1 else "them"
        title, reason = Text("Continue watching"), Text(f"You have not watched {films} to the end.")
        yield CandidateRow("continue_watching", title, reason, "history", own.started, topic=own.started)
    if len(own.again):
        said = np.isin(own.again, context.liked.rows[context.liked.strongly]).all()
        reason = Text(f"You liked them{'' if said else ' or watched them again'}, and it is a while ago.")
        yield CandidateRow("watch_again", Text("Watch again"), reason, "history", own.again, topic=own.again)


def _personal_rows(context: RowContext) -> Iterator[CandidateRow]:
    """Yield the viewer's own list, and neighbours of movies liked lately: those liked strongly first, and none that is
    near to an earlier one."""
    if len(context.picks):
        title, reason = Text("Top picks for you"), Text("Chosen for you by your history.")
        yield CandidateRow("top_picks", title, reason, context.source, context.allowed_of(context.picks))
    table, seeds, near_a_seed = context.snapshot.table, 0, set[int]()
    rows, strongly = context.liked.rows[:RECENT], context.liked.strongly[:RECENT]
    for position in np.argsort(~strongly, kind="stable").tolist() if context.may_compute else ():
        seed = int(rows[position])
        if seed in near_a_seed or seeds == MAX_SEED_ROWS:
            continue
        seeds += 1
        neighbours = neighbours_of(context.snapshot, context.ranker, seed)
        near_a_seed.update(neighbours[:NEAR_DUPLICATES].tolist())
        neighbours = context.allowed_of(neighbours)
        yield CandidateRow(
            "because_you_watched",
            Text("Because you watched {film}", (seed,)),
            Text("You liked {film}." if strongly[position] else "You watched {film}.", (seed,)),
            "similar",
            neighbours,
            about=table.key_text(seed),
            topic=neighbours[:NEAR_DUPLICATES],
        )


def _generic_rows(context: RowContext, limit: int) -> Iterator[CandidateRow]:
    """Yield the charts: trending, the newest, popular."""
    if context.state is not None:
        title, reason = Text("Trending for you"), Text("Watched more than usual lately, what suits you first.")
        trending = context.chart("trending", TREND_POOL)
        yield CandidateRow("trending_for_you", title, reason, "trending_for_you", trending)
    else:
        title, reason = Text("Trending now"), Text("Watched more than usual lately.")
        yield CandidateRow("trending", title, reason, "trending", context.chart("trending", limit))
    newest = rank_chart("latest", context.snapshot, context.epoch).rows
    newest = newest[context.snapshot.table.published[newest]]
    newest = newest[: int(np.clip(NEW_SHARE * len(newest), MIN_NEW, MAX_NEW))]
    reason = Text("The newest films here" + (", what suits you first." if len(context.liked.rows) else "."))
    yield CandidateRow("new", Text("New films"), reason, "latest", context.allowed_of(newest))
    title, reason = Text("Popular"), Text("What everyone watches.")
    yield CandidateRow("popular", title, reason, "popular", context.chart("popular", limit))


def _taste_rows(context: RowContext, limit: int) -> Iterator[CandidateRow]:
    """Yield the genres and people that stand out among the liked movies; without those the most watched genres."""
    table, liked, baseline = context.snapshot.table, context.liked.rows, context.baseline_genre_shares
    pool = np.concatenate([context.allowed_of(context.picks), context.chart("popular", TOP_POPULAR)])
    pool = pool[np.sort(np.unique(pool, return_index=True)[1])]
    owner, entry = csr_gather(table.genre_start, pool)
    lift = taste.genre_lift(table, liked, baseline) if len(liked) else baseline
    for genre in np.argsort(-lift, kind="stable")[:MAX_GENRE_ROWS].tolist():
        if lift[genre] > 0:
            name, rows = table.genre_names[genre], pool[owner[table.genre_of[entry] == genre]][:limit]
            title = Text("Popular in {genre}", genres=[name])
            reason = Text("What everyone watches in {genre}.", genres=[name])
            row = CandidateRow("popular_genre", title, reason, "popular", rows, name)
            if len(liked):
                row.kind, row.title = "genre", Text("More in {genre}", genres=[name])
                row.reason = Text("You watch more films in {genre} than most people do.", genres=[name])
                row.source = "model" if context.state is not None else "popular"
            row.topic = context.snapshot.movies_by_genre.postings(genre)
            yield row
    for person in taste.favourite_people(table, liked, MAX_PEOPLE_ROWS):
        name, said = table.person_names[person.number], np.isin(person.rows, context.liked.rows[context.liked.strongly])
        films = tuple(person.rows[np.argsort(~said, kind="stable")][:2].tolist())
        kind, text = (
            ("director", "More by {person}") if person.role == taste.DIRECTOR else ("actor", "More with {person}")
        )
        rows = context.allowed_of(taste.movies_of_person(table, person))
        source: Source = "model" if context.state is not None else "content"
        did = "liked" if said.sum() >= len(films) else "watched"
        title, reason = Text(text, people=[name]), Text(f"You {did} {{film}} and {{other}}.", films)
        yield CandidateRow(kind, title, reason, source, rows, about=name, topic=rows)


def _order_row(context: RowContext, row: CandidateRow, scores: np.ndarray) -> np.ndarray:
    """Return the row's movies as it shows them; `scores`: the model's, -inf where it has none.

    Trending mixes the trend with the model's ranking (`reciprocal_rank_fusion`). New: by the model's ranking among
    them, and those that it does not know yet by their genres, each as its position in per cent.
    """
    order = None
    if row.kind == "trending_for_you":
        order = -reciprocal_rank_fusion(np.arange(len(scores)), rank_positions(scores))
    elif row.kind in ("genre", "director", "actor", "watch_again"):
        order = -scores
    elif row.kind == "new" and len(context.liked.rows) and len(scores):
        known = scores > -np.inf
        by_model = rank_positions(scores) / max(1, np.count_nonzero(known))
        by_genres = rank_positions(_genre_scores(context, row.rows)) / len(scores)
        order = np.where(known, by_model, by_genres)
    return row.rows if order is None else row.rows[np.argsort(order, kind="stable")]


def _genre_scores(context: RowContext, rows: np.ndarray) -> np.ndarray:
    """Return how far the viewer's share of a movie's genres lies above everyone's, the mean over them: float64 [n]."""
    table = context.snapshot.table
    lift = np.maximum(taste.genre_lift(table, context.liked.rows, context.baseline_genre_shares), 0)
    owner, entry = csr_gather(table.genre_start, rows)
    total = np.bincount(owner, lift[table.genre_of[entry]], minlength=len(rows))
    return np.asarray(total / np.maximum(np.bincount(owner, minlength=len(rows)), 1))
