"""What serving answers: plain values, in the units of the API."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from catalog import selectors
from catalog.selectors import DetailedCard, MovieCard
from recommender.cache import RawRead
from recommender.movies.snapshot import CatalogueSnapshot, last_snapshot

Source = Literal["cache", "model", "similar", "content", "popular", "trending", "trending_for_you", "latest", "history"]


class Recommendation(NamedTuple):
    """A listed movie with its score, which compares only within its list."""

    movie_id: int
    score: float


class Cause(NamedTuple):
    """A watched movie that raised the score of a listed one."""

    movie_id: int
    title: str
    effect: float  # how much lower the listed movie's score would be without it


class Explanation(NamedTuple):
    """Why a movie is listed."""

    causes: list[Cause]  # most telling first
    fact: str  # what the movie and a cause have in common; "" where nothing is known


class Basis(NamedTuple):
    """All that an answer was made from: while it stands, the same call has the same answer, with other ids of lists."""

    read: RawRead  # the versions in Redis, and the list or the page that was made under them
    snapshot: CatalogueSnapshot
    since: int  # unix seconds: no clock changes the answer from then on
    until: int  # exclusive
    inputs_stand: Callable[[], bool] = lambda: True  # says whether what this process knows beside that still holds

    def stands(self, reply: Any, now: float) -> bool:
        """Say whether all of it stands at `now`, unix seconds, where Redis now has this `reply` for the same read."""
        is_as_read = bool(reply == self.read.reply) and last_snapshot() is self.snapshot
        return (
            is_as_read and self.since <= now < self.until and not selectors.is_database_down() and self.inputs_stand()
        )


@dataclass(kw_only=True, slots=True)
class Answer:
    """A list with what a client may want to know of how it came about."""

    recommendations: list[Recommendation]
    source: Source
    model_version: str | None
    recommendation_id: str
    is_known_viewer: bool
    degraded: bool = False
    is_drawn: bool = False  # from the best movies, by chance
    unused_history: list[str] = field(default_factory=list)  # posted movies that the list does not build on, as posted
    removal_counts: dict[str, int] = field(default_factory=dict)  # reason -> movies kept out for it
    unknown_names: dict[str, list[str]] = field(default_factory=dict)  # filter -> names that no movie has
    suggestions: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # filter -> unknown name -> near names
    empty_reason: str = ""  # why the list is empty
    explanations: Sequence[Explanation] | None = None  # one for each movie, where they were asked for
    made_at: int | None = None  # unix seconds, of a list that was stored; None: made for this answer
    is_chart: bool = False  # a chart was asked for; it does not stand in for a viewer's own list
    next_cursor: str | None = None  # asks for the next page; None: there is none, or the list has no pages
    language: str = ""  # of titles and explanations, where there are any in it; "": the answer has neither
    movie_cards: Mapping[int, MovieCard | DetailedCard] | None = (
        None  # movie id -> title and poster, where they were asked for
    )
    basis: Basis | None = None  # None: it can only be made anew
