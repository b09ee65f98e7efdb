"""Who a list is for: the events that the model reads, and the movies that must not be listed again."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from catalog.selectors import CatalogueTable, History
from recommender.cache import NO_EXCLUSIONS, ExclusionCounts, StoredList
from recommender.history import Exclusions, exclusions_from, posted_events, seen_movies, to_model_events
from recommender.ml.data import Events
from recommender.movies.doubles import Doubles
from recommender.serving.request import RecommendRequest, Seen

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

NO_IDS = np.empty(0, np.int32)
NO_EVENTS = Events.from_ids([])
NOTHING_SEEN = exclusions_from(None)


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewerProfile:
    """A viewer, or several as one, as a list is made for them."""

    viewer_id: int | None
    version: int | None = None  # of their own history, read in one snapshot with it; None: a history that was posted
    events: Events = NO_EVENTS
    exclusions: Exclusions = NOTHING_SEEN
    only_ids: np.ndarray | None = None  # int32 [n]: movies that alone may be listed; None: any
    history: History | None = None  # their own, where the list is made from it
    exists: bool = False  # the viewer has a row
    age_limit: int | None = None  # years, of that snapshot too
    country: str = ""  # ISO 3166, "": not known; and
    language: str = ""  # BCP 47, as that
    posted_texts: Sequence[str] = ()  # the history of the request, as it came
    posted_ids: np.ndarray = field(default_factory=lambda: NO_IDS)  # int32 [n]: the ids in it; 0 for what is none
    stored_list: StoredList | None = None  # what is known of the viewer where their history was not read

    @property
    def seen_ids(self) -> np.ndarray:
        """Ids of the movies that are not listed, int32 [n]: seen, unless these are asked for, disliked or turned
        down."""
        return self.exclusions.movie_ids

    def exclusion_counts(self, table: CatalogueTable) -> ExclusionCounts:
        """Count the catalogue's movies that are not listed again, by reason. A posted history may name any movie."""
        if self.stored_list is not None:
            return self.stored_list.exclusion_counts
        if not len(self.seen_ids):
            return NO_EXCLUSIONS
        return self.exclusions.select(table.rows_of(self.exclusions.movie_ids) >= 0).counts()

    def unused_history(self, used: np.ndarray) -> list[str]:
        """Return the posted movies that a list does not build on, as they came, each once. `used`: bool [posted]."""
        if used.all():
            return []
        return list(dict.fromkeys(text for text, is_used in zip(self.posted_texts, used, strict=True) if not is_used))

    def unknown_history(self, ranker: "Ranker | None") -> list[str]:
        """Return the posted movies that the model does not know, as they came; without a model all of them."""
        if ranker is None:
            return list(dict.fromkeys(self.posted_texts))
        return self.unused_history(ranker.columns_of(self.posted_ids) >= 0)


def build_profile(
    request: RecommendRequest, history: History | None, doubles: Doubles, posted_ids: np.ndarray = NO_IDS
) -> ViewerProfile:
    """Describe the viewer by the history that the request posts, else by their own.

    `history` is their own; None for a viewer who has no row or is not named. `posted_ids`: the request's, int32 [n].
    Who saw one of the catalogue's `doubles` has seen the others.
    """
    if len(posted_ids):
        posted = posted_ids[posted_ids != 0]
        profile = ViewerProfile(
            viewer_id=request.viewer_id,
            events=posted_events(posted),
            exclusions=exclusions_from(history, posted),
            exists=history is not None,
            age_limit=history.age_limit if history is not None else None,
            country=history.country if history is not None else "",
            language=history.language if history is not None else "",
            posted_texts=request.posted_texts,
            posted_ids=posted_ids,
        )
    elif history is None:
        profile = ViewerProfile(viewer_id=request.viewer_id)
    else:
        profile = ViewerProfile(
            viewer_id=history.viewer_id,
            version=history.version,
            events=to_model_events(history),
            exclusions=exclusions_from(history),
            exists=True,
            age_limit=history.age_limit,
            country=history.country,
            language=history.language,
            history=history,
        )
    if request.seen != "exclude":
        profile = _with_seen(profile, history, request.seen)
    exclusions = profile.exclusions.with_doubles(doubles)
    return profile if exclusions is profile.exclusions else replace(profile, exclusions=exclusions)


def _with_seen(profile: ViewerProfile, history: History | None, seen: Seen) -> ViewerProfile:
    """Return the profile of a viewer who may be listed what they have seen, or nothing else but films without bad
    stars."""
    posted = profile.posted_ids[profile.posted_ids != 0]
    only_ids = seen_movies(history, posted, liked=True) if seen == "only" else None
    return replace(profile, exclusions=exclusions_from(history, with_seen=False), only_ids=only_ids)


def profile_from_stored_list(
    request: RecommendRequest, posted_ids: np.ndarray, stored_list: StoredList, table: CatalogueTable, *, exists: bool
) -> ViewerProfile:
    """Describe a viewer whose history cannot be read: every movie but those of their stored list counts as seen."""
    unseen = np.setdiff1d(stored_list.movie_ids, posted_ids)
    seen = np.setdiff1d(table.ids, unseen).astype(np.int32)
    return ViewerProfile(
        viewer_id=request.viewer_id,
        events=posted_events(posted_ids[posted_ids != 0]),
        exclusions=Exclusions(seen, np.zeros(len(seen), np.int8)),
        exists=exists,
        age_limit=stored_list.age_limit,
        country=stored_list.country,
        language=stored_list.language,
        posted_texts=request.posted_texts,
        posted_ids=posted_ids,
        stored_list=stored_list,
    )
