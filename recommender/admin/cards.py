"""Films on the admin's pages: a poster or a plain tile in its place, a title, and what is to be said of it there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from catalog.selectors import MovieCard

HUES = 8  # colours of tiles: classes of admin.css


@dataclass(slots=True)
class Card:
    place: int  # from 1
    movie_id: int
    title: str
    year: int | None
    genres: str
    poster_url: str
    hue: int  # of the tile that stands for a poster
    notes: list[str] = field(default_factory=list)
    marked: bool = False

    @property
    def initials(self) -> str:
        words = [word for word in self.title.split() if word.lower() not in ("the", "a", "an")]
        return "".join(word[0] for word in words[:2]).upper() or "?"


def card(place: int, movie_id: int, film: MovieCard | None) -> Card:
    if film is None:
        return Card(place, movie_id, f"film {movie_id}", None, "", "", 0)
    return Card(place, movie_id, film.title, film.year, ", ".join(film.genres), film.poster_url, movie_id % HUES)


def cards(
    ids: Sequence[int],
    known: Mapping[int, MovieCard],
    was: Mapping[int, int] | None = None,
    marked: Collection[int] = (),
) -> list[Card]:
    """`was`: the place (from 0) of each film before, where moves are to be told; `marked` stand out."""
    found = [card(place, movie, known.get(movie)) for place, movie in enumerate(ids, start=1)]
    for one in found if was is not None else ():
        before = (was or {}).get(one.movie_id)
        if before is None:
            one.notes.append("new here")
        elif before + 1 != one.place:
            one.notes.append(f"{'▲' if before + 1 > one.place else '▼'} {abs(before + 1 - one.place)}")
        one.marked = one.movie_id in marked
    return found
