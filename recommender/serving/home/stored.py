"""Stored pages: a page is served again for as long as all that it was made from is what holds.

That are the versions of the model, the epoch, the catalogue with its rules, and the viewer; the charts, what is popular
for the model, and the texts of films; and the clock, for a page says itself when a window, a rule or a viewer's own
films next change it. A page that any of them has changed is made anew. Titles are not stored with it.
"""

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import orjson
from django.conf import settings

from catalog import selectors
from catalog.models import WatchEvent
from catalog.names.languages import LanguageWish
from catalog.selectors import History
from recommender import cache
from recommender.cache import CacheUnavailable, RawRead, StoredHome
from recommender.cache.home_pages import ASKED_SIZE, INPUTS_SIZE
from recommender.cache.keys import NOBODY
from recommender.movies import popularity_counts, text_vectors
from recommender.movies.snapshot import CatalogueSnapshot, current_snapshot, last_snapshot
from recommender.serving.candidates.charts import chart_stamps
from recommender.serving.context import RequestContext
from recommender.serving.filtering.eligibility import EligibilityFilter
from recommender.serving.home.own_movies import DAY, VIEWINGS
from recommender.serving.home.page_parts import Page, PageRow
from recommender.serving.paging.tokens import next_rounding
from recommender.serving.request import Filters, RecommendRequest
from recommender.serving.response import Basis

LAYOUT = 1  # of what is stored, and of how pages are made: a page of another one is made anew


class _Stamps(NamedTuple):
    """What stands for all that a page is made from and that has no version."""

    made: tuple[tuple[int, int], ...]  # when each was made, unix seconds, and a checksum
    texts: int  # version


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page that is asked for."""

    base: RecommendRequest
    max_rows: int
    row_length: int

    @property
    def is_storable(self) -> bool:
        """Say whether a stored page can answer: not a preview of rules, nor a page for a moment or without films that
        are named, as hardly anybody asks for these again."""
        return self.base.requested_at is None and self.base.rules_override is None and not self.base.exclude

    @property
    def owner(self) -> int:
        """The viewer whose page it is, or NOBODY."""
        return self.base.viewer_id or NOBODY

    def for_nobody(self) -> "PageRequest":
        """Return the request for the page of whom nothing is known."""
        return replace(self, base=replace(self.base, viewer_id=None, viewer_key=None))

    def asked(self, snapshot: CatalogueSnapshot | None) -> bytes:
        """Return what stands for all that is asked for, and for the settings that pages are made by.

        Everybody in a country, of an age that may watch the same, who reads in the same language, has the same page.
        """
        base, age, country, languages = self.base, self.base.age_limit, self.base.country, self.base.title_languages
        wish: Any = languages
        if self.owner == NOBODY and snapshot is not None:
            country = country or settings.COUNTRY
            wish = snapshot.language_chain(languages, "")
            age = None if age is None else snapshot.age_class(age)
        asked = [
            *(LAYOUT, self.max_rows, self.row_length, age, country, wish, base.details, base.filters.as_dict()),
            *(settings.COUNTRY, settings.TITLE_LANGUAGE, settings.CERTIFICATE_COUNTRY, settings.UNCERTIFIED_AGE),
            *(settings.CONTINUE_DAYS, settings.WATCH_AGAIN_DAYS),
            *base.home_order,
        ]
        return blake2b(json.dumps(asked).encode(), digest_size=ASKED_SIZE).digest()


def read_page(request: PageRequest) -> tuple[Page, CatalogueSnapshot] | None:
    """Return the stored page with the catalogue that it is of, if it is current: one round trip to Redis, no query."""
    snapshot = last_snapshot()
    if not request.is_storable or (snapshot is None and request.owner == NOBODY):
        return None
    asked = request.asked(snapshot)
    with suppress(CacheUnavailable, *selectors.DATABASE_ERRORS):
        versions, stored, raw = cache.read_home(request.owner, asked)
        if stored is None or not stored.is_current(versions, asked, int(time.time())):
            return None
        current = current_snapshot(stored.catalogue)
        if current.version != stored.catalogue or (current is not snapshot and request.asked(current) != asked):
            return None
        stamps = _read_inputs(current, stored.epoch)
        if _digest_of(stamps) != stored.inputs and _newest_of(stamps) < stored.newest_input:
            stamps = _read_inputs(current, stored.epoch, stored.newest_input)  # its maker knew more
        if _digest_of(stamps) != stored.inputs:
            return None
        page = _unpack(stored.body, request.owner)
        if not page.degraded:
            page.basis = _basis_of(stored, raw, current, stamps)
        return page, current
    return None


def _basis_of(stored: StoredHome, raw: RawRead, snapshot: CatalogueSnapshot, stamps: _Stamps) -> Basis:
    def inputs_stand() -> bool:
        return _read_inputs(snapshot, stored.epoch) == stamps

    return Basis(raw, snapshot, stored.since, min(stored.until, next_rounding()), inputs_stand)


class PageStamps:
    """What a page that is being made will be judged by; taken before anything is read for it."""

    def __init__(self, request: PageRequest, context: RequestContext) -> None:
        self._request, self._context = request, context
        self._is_storable = request.is_storable and context.cache_read.redis_up
        if self._is_storable:
            self._stamps = _read_inputs(context.snapshot, context.cache_read.epoch)

    def store(self, page: Page, eligibility: EligibilityFilter, history: History | None) -> None:
        """Store the page, unless a part was down or something changed while it was made.

        `history`: of the viewer whose page it is; None: it is everybody's.
        """
        context, versions = self._context, self._context.cache_read.versions
        if not self._is_storable or page.degraded or context.degraded:
            return
        if versions.model is None or versions.epoch is None or versions.catalogue is None:
            return
        request = replace(self._request, base=context.request)
        if history is None:
            request = request.for_nobody()
        snapshot = context.snapshot
        if snapshot.version != versions.catalogue or self._stamps != _read_inputs(snapshot, versions.epoch):
            return
        since, until = _interval(eligibility, history)
        stored = StoredHome(
            asked=request.asked(snapshot),
            model=versions.model,
            epoch=versions.epoch,
            catalogue=versions.catalogue,
            viewer_version=NOBODY if history is None else history.version,
            inputs=_digest_of(self._stamps),
            newest_input=_newest_of(self._stamps),
            since=since,
            until=until,
            body=_pack(page, request),
        )
        with suppress(CacheUnavailable):  # it is only made again
            cache.store_home(request.owner, stored)


def _read_inputs(snapshot: CatalogueSnapshot, epoch: int, newest: int = 0) -> _Stamps:
    """Return when the charts and the counts that this process goes by were made, unix seconds, with a checksum of each,
    and the version of the texts. `newest`: older copies are read anew."""
    made = [*chart_stamps(epoch, newest), popularity_counts.counts_stamp(newest)]
    return _Stamps(tuple(made), text_vectors.version_of(snapshot))


def _digest_of(stamps: _Stamps) -> bytes:
    """Return what stands for their contents."""
    contents = json.dumps([*(content for _, content in stamps.made), stamps.texts]).encode()
    return blake2b(contents, digest_size=INPUTS_SIZE).digest()


def _newest_of(stamps: _Stamps) -> int:
    return max(made_at for made_at, _ in stamps.made)


def _interval(eligibility: EligibilityFilter, history: History | None) -> tuple[int, int]:
    """Return from when until when no clock changes the page, unix seconds."""
    edges = [np.array(eligibility.steady_between())]
    if history is not None:
        started = history.occurred_at[history.kinds == WatchEvent.Kind.PROGRESS]
        viewed = history.occurred_at[np.isin(history.kinds, VIEWINGS)]
        edges += [started + settings.CONTINUE_DAYS * DAY + 1, viewed + settings.WATCH_AGAIN_DAYS * DAY]
    moments = np.concatenate(edges)
    past, to_come = moments[moments <= eligibility.now], moments[moments > eligibility.now]
    limits = np.iinfo(np.int64)
    return int(past.max(initial=limits.min)), int(to_come.min(initial=limits.max))


def request_of(stored: StoredHome, viewer_id: int) -> PageRequest:
    """Return the request for a stored page of a viewer's."""
    asked = orjson.loads(stored.body)["asked"]
    max_rows, row_length, age_limit, country, (named, accepted), details, filters = asked
    base = RecommendRequest(
        viewer_id=viewer_id,
        top_k=row_length,
        age_limit=age_limit,
        country=country,
        title_languages=LanguageWish(named, tuple(accepted)),
        details=details,
        filters=Filters(**filters),
    )
    return PageRequest(base, max_rows, row_length)


def _pack(page: Page, request: PageRequest) -> bytes:
    """Return what is kept of a page: all but its titles, and what its answer alone is about."""
    base = request.base
    rows = [
        (row.kind, row.about, row.title, row.reason, row.source, row.movie_ids, _rounded(row.scores))
        for row in page.rows
    ]
    return orjson.dumps(
        {
            "asked": (
                *(request.max_rows, request.row_length, base.age_limit, base.country),
                *(tuple(base.title_languages), base.details, base.filters.as_dict()),
            ),
            "rows": rows,
            "model_version": page.model_version,
            "versions": page.versions,
            "has_rules": page.has_rules,
            "is_known_viewer": page.is_known_viewer,
            "unknown_names": page.unknown_names,
            "suggestions": page.suggestions,
            "empty_reason": page.empty_reason,
            "language": page.language,
            "languages": page.languages,
            "data_set": page.data_set,
            "completions": list(page.completions.items()),
        }
    )


def _rounded(scores: Sequence[float | None]) -> list[float | None]:
    """Return scores as answers have them."""
    return [None if score is None else round(score, 5) for score in scores]


def _unpack(body: bytes, viewer_id: int) -> Page:
    values = orjson.loads(body)
    del values["asked"]
    rows = [PageRow(*row) for row in values.pop("rows")]
    for row in rows:
        if row.kind == "top_picks":
            row.source = "cache"
    return Page(
        rows=rows,
        viewer_id=viewer_id,
        degraded=selectors.is_database_down(),
        completions=dict(values.pop("completions")),
        languages=tuple(values.pop("languages")),
        **values,
    )
