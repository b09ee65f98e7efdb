"""A home page as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from recommender.served_lists import new_list_id
from recommender.serving.home.films import ShownFilm
from recommender.serving.response import Basis, Source


@dataclass(slots=True)
class PageRow:
    """A row as the page shows it."""

    kind: str
    about: str  # the movie id or the name that the title speaks of
    title: str
    reason: str
    source: Source
    movie_ids: list[int]
    scores: list[float | None]  # the model's; None where it has none
    recommendation_id: str = field(default_factory=new_list_id)  # of the row in one answer

    @property
    def key(self) -> str:
        """The kind and what the row is about: once on a page."""
        return f"{self.kind}:{self.about}" if self.about else self.kind


@dataclass(kw_only=True, slots=True)
class Page:
    """A home page with what a client may want to know of how it came about."""

    rows: list[PageRow]
    model_version: str | None
    viewer_id: int  # 0: nobody
    versions: Sequence[int | None]  # that it was made of: the viewer's, the catalogue's, the epoch
    has_rules: bool  # merchandising rules hold
    is_known_viewer: bool
    degraded: bool
    unknown_names: dict[str, list[str]]
    suggestions: dict[str, dict[str, list[str]]]  # filter -> unknown name -> near names
    empty_reason: str  # why there are no rows
    language: str  # of the films' titles, where the catalogue has them in it
    languages: tuple[str, ...]  # that titles were looked for in
    data_set: int  # of the movies' ids
    completions: dict[int, float]  # movie id -> how much the viewer watched of what they started
    films: Mapping[int, ShownFilm] = field(default_factory=dict)
    basis: Basis | None = None  # of a stored page; None: the page can only be made anew
