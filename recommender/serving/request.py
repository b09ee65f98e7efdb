"""What is asked of serving and what it answers: plain values, in the units of the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from catalog.selectors import MerchandisingRule

DEFAULT_POOL = 100  # films that a diverse list is chosen from, unless the request names its pool

ChartName = Literal["popular", "trending", "latest"]
CHART_NAMES: tuple[ChartName, ...] = get_args(ChartName)
Source = Literal["cache", "model", "similar", "content", "popular", "trending", "trending_for_you", "latest"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """Which films are wanted: any of the names of each list, and all of these together; numbers inclusive."""

    genres: Sequence[str] = ()
    exclude_genres: Sequence[str] = ()  # none of these
    actors: Sequence[str] = ()
    directors: Sequence[str] = ()
    languages: Sequence[str] = ()  # BCP 47; en stands for en-GB too
    min_year: int | None = None
    max_year: int | None = None
    min_runtime: int | None = None  # minutes
    max_runtime: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Only what the client asked for."""
        every = ((name, getattr(self, name)) for name in FILTER_NAMES)
        return {name: value for name, value in every if value not in (None, (), [])}


FILTER_NAMES = tuple(Filters.__slots__)
NO_FILTERS = Filters()


@dataclass(frozen=True, kw_only=True, slots=True)
class RecommendRequest:
    viewer_id: int | None
    history: Sequence[str] = ()  # film ids, oldest first; empty: the viewer's own history
    top_k: int = 20  # the pool
    final_k: int | None = None  # what is returned of it; None: all
    filters: Filters = NO_FILTERS
    exclude: Sequence[int] = ()
    liked_genres: Sequence[str] = ()  # for a viewer of whom nothing else is known
    age_limit: int | None = None  # years; the viewer's own holds beside it
    requested_at: int | None = None  # unix seconds; None: now, which a stored list may answer
    titles: bool = False
    explain: bool = False
    diversity: float = 0.0  # 0: the plain order, 1: as different as the pool allows
    viewer_ids: Sequence[int] = ()  # viewers who watch together, in place of user_id
    rules_override: Sequence[MerchandisingRule] | None = None  # rules to try, in place of those in force

    @property
    def limit(self) -> int:
        return self.top_k if self.final_k is None else self.final_k

    @property
    def candidate_count(self) -> int:
        """How many of the best films the wanted ones are chosen from."""
        if not self.diversity:
            return self.limit
        return max(self.limit, DEFAULT_POOL if self.final_k is None else self.top_k)


class Recommendation(NamedTuple):
    movie_id: int
    score: float


@dataclass(kw_only=True, slots=True)
class Answer:
    recommendations: list[Recommendation]
    source: Source
    model_version: str | None
    recommendation_id: str
    is_known_viewer: bool
    degraded: bool = False
    unused_history: list[str] = field(default_factory=list)
    removal_counts: dict[str, int] = field(default_factory=dict)  # reason -> films kept out for it
    unknown_names: dict[str, list[str]] = field(default_factory=dict)  # filter -> names that no film has
    empty_reason: str = ""  # why the list is empty
    explanations: Sequence[Any] | None = None  # an explain.Reason for each film, where they were asked for
    is_chart: bool = False  # one that was asked for, not what a viewer got in place of their own list
    movie_cards: Mapping[int, Any] | None = None  # movie id -> selectors.MovieCard, where titles were asked for
