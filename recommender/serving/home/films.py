"""Films as a page shows them, kept by this process as long as the catalogue stands: pages show the same ones again and
again."""

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, NamedTuple

from catalog.selectors import DATABASE_ERRORS, DetailedCard, MovieCard
from recommender import process_state
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving.degraded_mode import load_movie_cards, read_movie_cards

MAX_FILMS = 10_000  # of all kinds, under a kilobyte each; with details one or two more
MAX_KINDS = 64  # languages, details and forms

FilmForm = Callable[[MovieCard | DetailedCard], Any]


class ShownFilm(NamedTuple):
    """A film in one language."""

    title: str
    shown: Any  # what the form made of its card
    is_complete: bool = True  # False: from memory, as Postgres did not answer


class _Kept(NamedTuple):
    snapshot: CatalogueSnapshot
    kinds: dict[tuple[tuple[str, ...], bool, FilmForm], dict[int, ShownFilm]]


_kept = process_state.Value[_Kept | None]("home: the films that pages showed", None)


def load_films(
    movie_ids: Collection[int],
    snapshot: CatalogueSnapshot,
    languages: tuple[str, ...],
    form: FilmForm,
    *,
    details: bool,
) -> dict[int, ShownFilm]:
    """Return the films by id, as `form` shows their cards (see load_movie_cards): one query, none for films that were
    shown before."""
    kept = _films_of(snapshot, (languages, details, form))
    films = {movie_id: film for movie_id in movie_ids if (film := kept.get(movie_id)) is not None}
    missing = [movie_id for movie_id in movie_ids if movie_id not in films]
    if not missing:
        return films
    with suppress(*DATABASE_ERRORS):
        cards = read_movie_cards(missing, snapshot, languages, details=details)
        found = {movie_id: ShownFilm(card.title, form(card)) for movie_id, card in cards.items()}
        _make_room(len(found))
        kept.update(found)
        return films | found
    cards = load_movie_cards(missing, snapshot, languages, details=details)  # not kept: they lack what memory lacks
    return films | {movie_id: ShownFilm(card.title, form(card), False) for movie_id, card in cards.items()}


def _make_room(count: int) -> None:
    """Forget all films where so many more would be too many."""
    kinds = list(_kept.current.kinds.values()) if _kept.current is not None else []
    if sum(map(len, kinds)) + count > MAX_FILMS:
        for films in kinds:
            films.clear()


def _films_of(snapshot: CatalogueSnapshot, kind: tuple[tuple[str, ...], bool, FilmForm]) -> dict[int, ShownFilm]:
    """Return the films of a kind; a catalogue that changed begins anew: what was read after the change is its."""
    kept = _kept.current
    if kept is None or kept.snapshot is not snapshot:
        kept = _kept.current = _Kept(snapshot, {})
    if len(kept.kinds) >= MAX_KINDS and kind not in kept.kinds:
        kept.kinds.clear()
    return kept.kinds.setdefault(kind, {})
