"""What serving is asked: plain values, in the units of the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from catalog.keys import Key
from catalog.names.languages import NO_WISH, LanguageWish
from catalog.selectors import MerchandisingRule
from recommender.movies.movie_ids import MovieId
from recommender.serving.paging.page import NO_IDS, Page

DRAW_POOL = 2  # movies that a list is drawn from, for each one of it
DEFAULT_POOL = 100  # movies that a diverse list is chosen from, unless the request names its pool

Seen = Literal["exclude", "include", "only"]
ChartName = Literal["popular", "trending", "latest"]
SEEN: tuple[Seen, ...] = get_args(Seen)
CHART_NAMES: tuple[ChartName, ...] = get_args(ChartName)


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """Names and numbers that the listed movies must match: any name of each list, and all the filters together."""

    genres: Sequence[str] = ()
    exclude_genres: Sequence[str] = ()  # none of these
    actors: Sequence[str] = ()
    directors: Sequence[str] = ()
    languages: Sequence[str] = ()  # BCP 47; en stands for en-GB too
    countries: Sequence[str] = ()  # of origin, ISO 3166
    min_year: int | None = None  # inclusive, as all of these
    max_year: int | None = None
    min_runtime: int | None = None  # minutes
    max_runtime: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the filters that the client set, by name; empty where there are none."""
        if self is NO_FILTERS:
            return {}
        values = ((name, getattr(self, name)) for name in FILTER_NAMES)
        return {name: value for name, value in values if value not in (None, (), [])}


FILTER_NAMES = tuple(Filters.__slots__)
NO_FILTERS = Filters()


class NewFilmPlace(NamedTuple):
    """A place of the list that goes to a new film."""

    place: int  # from 0
    movie_id: int | None = None  # None: to be chosen


class Rival(NamedTuple):
    """A second way of ranking, which shares the list with the first: another diversity, or another model."""

    seed: int  # of the coins
    diversity: float = 0.0
    model: str = ""  # a version; "": the one that serves

    @property
    def name(self) -> float | str:
        """What the log calls it: its model, or its diversity."""
        return self.model or self.diversity


@dataclass(frozen=True, kw_only=True, slots=True)
class RecommendRequest:
    """A request for a list. Its movie ids are parsed; those of IMDB and TMDB are looked up where it is answered."""

    viewer_id: int | None  # None: nobody, or somebody of whom nothing is known
    viewer_key: Key | None = None  # as the client named the viewer, to look a text up again where its id is no more
    history: Sequence[MovieId] = ()  # oldest first; empty: the viewer's own history
    history_texts: Sequence[str] = ()  # the same as the client wrote them, to name those that are of no use
    top_k: int = 20  # the pool
    final_k: int | None = None  # how many of it are returned; None: all
    filters: Filters = NO_FILTERS
    exclude: Sequence[MovieId] = ()
    seen: Seen = "exclude"  # what the viewer has seen is left out, is listed too, or alone
    liked_genres: Sequence[str] = ()  # for a viewer of whom nothing else is known
    age_limit: int | None = None  # years; the viewer's own holds beside it
    country: str = ""  # where films must be available, ISO 3166; "": the viewer's own
    title_languages: LanguageWish = NO_WISH  # of titles and genres; the viewer's own where the call asks for none
    requested_at: int | None = None  # unix seconds; None: now, which a stored list may answer
    titles: bool = False
    details: bool = False  # of the titled movies: overview, runtime, certificate, people
    explain: bool = False
    diversity: float = 0.0  # 0: the plain order, 1: as different as the pool allows
    freshness: float = 0.0  # how far new films move up, in standard deviations of the candidates' scores
    viewer_ids: Sequence[int | None] = ()  # viewers who watch together, in place of viewer_id
    viewer_keys: Sequence[Key] = ()  # theirs, in the same order
    rules_override: Sequence[MerchandisingRule] | None = None  # rules to preview, in place of the active ones
    seed: int | None = None  # of a list that is drawn from the best movies; None: the best ones in order
    rival: Rival | None = None  # whose films share the list; None: there is one way of ranking
    new_film: NewFilmPlace | None = None
    arm_id: int = 0  # of the experiment that the viewer is in; 0: none
    model: str | None = None  # version whose lists the arm has; None: the active one
    home_order: Sequence[str] = ()  # kinds of rows that come first on the home page
    page: Page | None = None  # of the list; None: the list has one page, and nothing behind it is asked for

    @property
    def shown_ids(self) -> np.ndarray:
        """Return the movies of the list's pages before, int32 [n]."""
        return NO_IDS if self.page is None else self.page.shown_ids

    @property
    def posted_texts(self) -> Sequence[str]:
        """The history's ids as text: as the client wrote them, where that is known."""
        return self.history_texts or [str(movie) for movie in self.history]

    @property
    def limit(self) -> int:
        """How many movies are returned."""
        return self.top_k if self.final_k is None else self.final_k

    @property
    def candidate_count(self) -> int:
        """How many of the best movies the returned ones are chosen from."""
        if self.seed is not None:
            return DRAW_POOL * self.limit
        if self.rival is not None:
            return max(self.limit, DEFAULT_POOL)
        if not (self.diversity or self.freshness):
            return self.limit
        return max(self.limit, DEFAULT_POOL if self.final_k is None else self.top_k)
