"""One page of a list: what the pages before it showed, and the token of the next."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np

from catalog.keys import Key
from recommender import cache
from recommender.cache import CacheUnavailable
from recommender.serving.paging.tokens import (
    CursorExpired,
    CursorInvalid,
    LaterPage,
    Root,
    first_token,
    later_token,
    read_token,
    rounded_now,
    session_of,
)

NO_IDS = np.empty(0, np.int32)
MAX_CARRIED = 4_000  # bytes that a token carries; more, such as a long history, is stored

Result = TypeVar("Result")


class PagesUnavailable(Exception):
    """Redis is down, which keeps what the pages of a list showed."""


class PageWasMade(Exception):
    """Another call with the same cursor has made the page meanwhile."""


class MadePage(NamedTuple):
    """A page as it was made: it is repeated where its cursor is sent again."""

    movie_ids: np.ndarray  # int32 [n]
    scores: np.ndarray  # float32 [n]
    facts: dict[str, Any]  # what else its answer said

    def pack(self) -> bytes:
        """Return the page as bytes."""
        ids, scores = np.asarray(self.movie_ids, "<i4"), np.asarray(self.scores, "<f4")
        return b"".join((json.dumps(self.facts).encode(), b"\n", ids.tobytes(), scores.tobytes()))

    @classmethod
    def unpack(cls, packed: bytes) -> "MadePage":
        """Return the page that `pack` made."""
        facts, _, arrays = packed.partition(b"\n")
        count = len(arrays) // 8
        ids, scores = np.frombuffer(arrays, "<i4", count), np.frombuffer(arrays, "<f4", count, 4 * count)
        return cls(ids.astype(np.int32), scores.astype(np.float32), json.loads(facts))


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page that is asked for; page 0 is asked for by parameters alone, each later one by a cursor."""

    list_name: str  # the call; behind a colon what its address says that the list is about
    parameters: Mapping[str, Any]  # what the list was asked with, as the client sent it
    number: int = 0
    shown_ids: np.ndarray = field(default_factory=lambda: NO_IDS)  # int32 [n], on the pages before
    made: MadePage | None = None  # the page, where it was made before
    data_set: int | None = None  # of the ids; None: of the first page's catalogue
    root: bytes = b""
    session: bytes = b""
    nonce: bytes = b""  # empty: the session has no page yet


def open_page(cursor: str, list_name: str) -> Page:
    """Return the page that a cursor of this list asks for: one read of Redis.

    Raises CursorInvalid, CursorExpired and PagesUnavailable.
    """
    token = read_token(cursor)
    if isinstance(token, LaterPage):
        session, nonce, number, shown = token
    else:
        session, nonce, number, shown = session_of(token), b"", 1, 0
    with _redis():
        stored = cache.read_page(session, number, shown)
    root = stored.root if isinstance(token, LaterPage) and stored is not None else token
    if stored is None or not isinstance(root, bytes) or (nonce and stored.nonce != nonce):
        raise CursorExpired
    facts = Root.unpack(root)
    if facts.list_name.partition(":")[0] != list_name:
        raise CursorInvalid
    if not isinstance(token, LaterPage) and facts.has_expired:
        raise CursorExpired
    return Page(
        list_name=facts.list_name,
        parameters=facts.parameters,
        number=number,
        shown_ids=stored.shown_ids if shown else facts.first_ids,
        made=None if stored.page is None else MadePage.unpack(stored.page),
        data_set=facts.data_set,
        root=root,
        session=session,
        nonce=stored.nonce if stored.root is not None else b"",
    )


def about(page: Page, subject: str) -> Page:
    """Return the page of a list that is about this, which no parameter says. Raises CursorInvalid for a cursor of a
    list that is about something else."""
    name = f"{page.list_name.partition(':')[0]}:{subject}"
    if page.number and page.list_name != name:
        raise CursorInvalid
    return replace(page, list_name=name)


def begin_after(
    list_name: str, parameters: Mapping[str, Any], movie_ids: Sequence[int], *, data_set: int, versions: Sequence[Any]
) -> str:
    """Return the cursor of a list's page behind movies that another answer showed."""
    shown = np.array(movie_ids, np.int32)
    return first_token(Root(list_name, parameters, data_set, rounded_now(), shown, list(versions)).pack())


def make_page(page: Page | None, build: Callable[[Page | None], Result]) -> Result:
    """Return what `build` makes of a page; where another call has made the page meanwhile, it repeats that."""
    try:
        return build(page)
    except PageWasMade:
        assert page is not None
        return build(_reopen(page))


def _reopen(page: Page) -> Page:
    """Return the page as another call has made it. Raises CursorExpired."""
    with _redis():
        stored = cache.read_page(page.session, page.number, 0)
    if stored is None or stored.page is None:
        raise CursorExpired
    return replace(page, made=MadePage.unpack(stored.page), nonce=stored.nonce)


@contextmanager
def _redis() -> Iterator[None]:
    try:
        yield
    except CacheUnavailable as error:
        raise PagesUnavailable from error


def close_page(
    page: Page, made: MadePage, *, data_set: int, versions: Sequence[Any], owners: Sequence[Key], has_more: bool
) -> str | None:
    """Return the token of the next page, None where there is none. A page behind the first is stored before.

    Raises PageWasMade where another call has made it meanwhile, and PagesUnavailable.
    """
    if page.number == 0:
        return _close_first(page, made, data_set, versions, owners) if has_more else None
    shown = len(page.shown_ids) + len(made.movie_ids)
    nonce = page.nonce
    if page.made is None:
        facts = {**made.facts, "has_more": has_more}
        begins = not nonce
        with _redis():
            stored = cache.store_page(
                page.session,
                page.number,
                made._replace(facts=facts).pack(),
                root=page.root,
                nonce=nonce,
                first_id=0 if begins else len(page.shown_ids),
                movie_ids=np.append(page.shown_ids, made.movie_ids) if begins else made.movie_ids,
                owners=owners,
            )
        if stored is None:
            raise PageWasMade
        nonce = stored
    else:
        shown = len(page.shown_ids) + len(page.made.movie_ids)
        has_more = bool(page.made.facts["has_more"]) or has_more
    return later_token(LaterPage(page.session, nonce, page.number + 1, shown)) if has_more else None


def _close_first(page: Page, made: MadePage, data_set: int, versions: Sequence[Any], owners: Sequence[Key]) -> str:
    parameters = dict(page.parameters)
    root = Root(page.list_name, parameters, data_set, rounded_now(), made.movie_ids, list(versions)).pack()
    if len(root) > MAX_CARRIED:
        with suppress(CacheUnavailable):  # a long token does as well
            return _store_first(root, made, owners)
    return first_token(root)


def _store_first(root: bytes, made: MadePage, owners: Sequence[Key]) -> str:
    session = session_of(root)
    nonce = cache.store_page(
        session, 0, b"{}\n", root=root, nonce=b"", first_id=0, movie_ids=made.movie_ids, owners=owners
    )
    if nonce is None:  # the same list was begun a moment ago
        stored = cache.read_page(session, 0, 0)
        nonce = stored.nonce if stored is not None else b""
    return later_token(LaterPage(session, nonce, 1, len(made.movie_ids)))
