"""Films on the admin's pages: a poster or a plain tile in its place, a title, and what is to be said of it there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from catalog.selectors import MovieCard

HUES = 8  # colours of tiles: classes of admin.css


@dataclass(slots=True)
class Card:
    position: int  # from 1
    movie_id: int
    title: str
    year: int | None
    genres: str
    poster_url: str
    hue: int  # of the tile that stands for a poster
    notes: list[str] = field(default_factory=list)
    is_highlighted: bool = False

    @property
    def initials(self) -> str:
        words = [word for word in self.title.split() if word.lower() not in ("the", "a", "an")]
        return "".join(word[0] for word in words[:2]).upper() or "?"


def make_card(position: int, movie_id: int, movie: MovieCard | None) -> Card:
    if movie is None:
        return Card(position, movie_id, f"film {movie_id}", None, "", "", 0)
    return Card(position, movie_id, movie.title, movie.year, ", ".join(movie.genres), movie.poster_url, movie_id % HUES)


def make_cards(
    ids: Sequence[int],
    known: Mapping[int, MovieCard],
    previous_position: Mapping[int, int] | None = None,
    highlighted: Collection[int] = (),
) -> list[Card]:
    """`was`: the place (from 0) of each film before, where moves are to be told; `marked` stand out."""
    found = [make_card(place, movie, known.get(movie)) for place, movie in enumerate(ids, start=1)]
    for one in found if previous_position is not None else ():
        before = (previous_position or {}).get(one.movie_id)
        if before is None:
            one.notes.append("new here")
        elif before + 1 != one.position:
            one.notes.append(f"{'▲' if before + 1 > one.position else '▼'} {abs(before + 1 - one.position)}")
        one.is_highlighted = one.movie_id in highlighted
    return found
