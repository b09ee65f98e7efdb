"""Movie cards on the admin's pages: a poster, or a plain tile in its place, a title and notes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.conf import settings

from catalog.selectors import DetailedCard, MovieCard
from recommender.movies.movie_ids import movie_id_text

TILE_COLOURS = 8  # classes of admin.css


@dataclass(slots=True)
class Card:
    """Hold what the template cards.html draws of a movie."""

    position: int  # from 1
    movie_id: int
    title: str
    year: int | None
    genres: str
    poster_url: str
    hue: int  # colour of the tile that stands for a poster
    notes: list[str] = field(default_factory=list)
    is_highlighted: bool = False

    @property
    def picture(self) -> str:
        """Return the poster's address if this site may show it, as the storefront does; empty: it is drawn."""
        parts = urlsplit(self.poster_url)
        is_own = not parts.netloc
        return self.poster_url if is_own or f"{parts.scheme}://{parts.netloc}" in settings.POSTER_ORIGINS else ""

    @property
    def initials(self) -> str:
        """Return the first letters of the title's first two words, for the tile."""
        words = [word for word in self.title.split() if word.lower() not in ("the", "a", "an")]
        return "".join(word[0] for word in words[:2]).upper() or "?"


def make_card(position: int, movie_id: int, movie: MovieCard | DetailedCard | None) -> Card:
    """Make the card of a movie, with its id for a title where the catalogue no longer has it."""
    if movie is None:
        return Card(position, movie_id, f"film {movie_id_text(movie_id)}", None, "", "", 0)
    genres = ", ".join(movie.genres)
    return Card(position, movie_id, movie.title, movie.year, genres, movie.poster_url, movie_id % TILE_COLOURS)


def make_cards(
    movie_ids: Sequence[int],
    movies: Mapping[int, MovieCard | DetailedCard],
    previous_positions: Mapping[int, int] | None = None,
    highlighted: Collection[int] = (),
) -> list[Card]:
    """Make the cards of a list in order.

    With `previous_positions` (from 0, by movie id) each card notes how far its movie moved, and `highlighted` movies
    stand out.
    """
    cards = [
        make_card(position, movie_id, movies.get(movie_id)) for position, movie_id in enumerate(movie_ids, start=1)
    ]
    if previous_positions is None:
        return cards
    for card in cards:
        previous = previous_positions.get(card.movie_id)
        if previous is None:
            card.notes.append("new here")
        elif shift := previous + 1 - card.position:
            card.notes.append(f"{'▲' if shift > 0 else '▼'} {abs(shift)}")
        card.is_highlighted = card.movie_id in highlighted
    return cards
