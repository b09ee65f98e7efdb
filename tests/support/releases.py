"""The same invented films and ratings in the layout of every release, as its files are published."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

FLAGS = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip


class Film(NamedTuple):
    id: int
    title: str  # with the article behind and the year, as MovieLens writes it
    genres: tuple[str, ...]
    director: str = ""
    actors: tuple[str, ...] = ()


class Rating(NamedTuple):
    viewer: int
    film: int
    stars: float  # whole ones can be written in every layout
    time: int


FILMS = (
    Film(1, "Paper Moonrise (1995)", ("Comedy", "Drama"), "Inès Okoro", ("Lena Hart", "Sam Field")),
    Film(2, "Harbour of Glass, The (Hafen aus Glas) (1988)", ("Drama",), "Bo Lund", ("Sam Field",)),
    Film(25, "Misère, La (a.k.a. Misery Street) (1962)", ("Film-Noir",), "Bo Lund", ("Zoë Ek", "Lena Hart")),
    Film(40, "No Year at All", ()),
)
RATINGS = (
    Rating(7, 2, 4, 1_000_000_000),
    Rating(7, 1, 3, 1_000_000_060),
    Rating(9, 1, 5, 1_162_160_236),
    Rating(9, 25, 1, 1_162_160_300),
    Rating(12, 2, 2, 1_372_680_000),
)
Writer = Callable[[Path, Sequence[Film], Sequence[Rating]], None]


def _write(folder: Path, name: str, rows: Sequence[Sequence[object]], separator: str, encoding: str = "utf-8") -> None:
    text = "".join(f"{separator.join(map(str, row))}\n" for row in rows)
    (folder / name).write_bytes(text.encode(encoding))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _listed(film: Film) -> str:
    return "|".join(film.genres) or "(no genres listed)"


def write_csv(folder: Path, films: Sequence[Film], ratings: Sequence[Rating]) -> None:
    movies = [("movieId", "title", "genres"), *((f.id, _quoted(f.title), _listed(f)) for f in films)]
    _write(folder, "movies.csv", movies, ",")
    _write(folder, "ratings.csv", [("userId", "movieId", "rating", "timestamp"), *ratings], ",")


def write_kaggle(folder: Path, films: Sequence[Film], ratings: Sequence[Rating]) -> None:
    movies = [('"movieId"', '"title"', '"genres"'), *((f.id, _quoted(f.title), _quoted(_listed(f))) for f in films)]
    _write(folder, "movie.csv", movies, ",")
    times = [f"{datetime.fromtimestamp(rating.time, ZoneInfo('UTC')):%Y-%m-%d %H:%M:%S}" for rating in ratings]
    rows = [(*rating[:3], _quoted(time)) for rating, time in zip(ratings, times, strict=True)]
    _write(folder, "rating.csv", [('"userId"', '"movieId"', '"rating"', '"timestamp"'), *rows], ",")


def write_100k(folder: Path, films: Sequence[Film], ratings: Sequence[Rating]) -> None:
    items = [
        (film.id, film.title, "01-Jan-1995", "", "http://imdb.example/", *(int(flag in film.genres) for flag in FLAGS))
        for film in films
    ]
    _write(folder, "u.item", items, "|", "latin-1")
    _write(folder, "u.data", ratings, "\t")
    _write(folder, "u.user", [(7, 24, "M", "technician", "85711")], "|")
    _write(folder, "u.genre", [(name, number) for number, name in enumerate(FLAGS)], "|")
    _write(folder, "u1.base", ratings[:1], "\t")


def write_1m(folder: Path, films: Sequence[Film], ratings: Sequence[Rating]) -> None:
    _write(folder, "movies.dat", [(f.id, f.title, "|".join(f.genres)) for f in films], "::", "latin-1")
    _write(folder, "ratings.dat", ratings, "::")
    _write(folder, "users.dat", [(7, "F", 1, 10, "48067")], "::")


def write_10m(folder: Path, films: Sequence[Film], ratings: Sequence[Rating]) -> None:
    _write(folder, "movies.dat", [(f.id, f.title, "|".join(f.genres)) for f in films], "::")
    _write(folder, "ratings.dat", ratings, "::")
    _write(folder, "tags.dat", [(7, films[0].id, "Harbour", 1_000_000_000)], "::")


def write_hetrec(folder: Path, films: Sequence[Film], ratings: Sequence[Rating]) -> None:
    write_hetrec_films(folder, films)
    rows = [(r.viewer, r.film, r.stars, r.time * 1000) for r in ratings]
    _write(folder, "user_ratedmovies-timestamps.dat", [("userID", "movieID", "rating", "timestamp"), *rows], "\t")
    write_hetrec_dates(folder, films, ratings)


def write_hetrec_dates(folder: Path, films: Sequence[Film], ratings: Sequence[Rating]) -> None:
    """Write what is left where the file with the timestamps is not there."""
    write_hetrec_films(folder, films)
    parts = ("day", "month", "year", "hour", "minute", "second")
    moments = [datetime.fromtimestamp(rating.time, ZoneInfo("Europe/Madrid")) for rating in ratings]
    rows = [
        (*rating[:3], *(getattr(moment, part) for part in parts))
        for rating, moment in zip(ratings, moments, strict=True)
    ]
    header = ("userID", "movieID", "rating", *(f"date_{part}" for part in parts))
    _write(folder, "user_ratedmovies.dat", [header, *rows], "\t")


def write_hetrec_films(folder: Path, films: Sequence[Film]) -> None:
    rotten = [r"\N"] * 15
    movies = [
        (f.id, f.title.rpartition(" (")[0] or f.title, f"{f.id:07d}", "", "", f.title[-5:-1], *rotten) for f in films
    ]
    header = ("id", "title", "imdbID", "spanishTitle", "imdbPictureURL", "year", *(f"rt{n}" for n in range(15)))
    _write(folder, "movies.dat", [header, *movies], "\t", "latin-1")
    genres = [(film.id, genre) for film in films for genre in film.genres]
    countries = [(film.id, ("USA", "West Germany", "", "Atlantis")[place % 4]) for place, film in enumerate(films)]
    _write(folder, "movie_countries.dat", [("movieID", "country"), *countries], "\t")
    _write(folder, "movie_genres.dat", [("movieID", "genre"), *genres], "\t")
    directors = [(f.id, f.director.lower().replace(" ", "_"), f.director) for f in films if f.director]
    _write(folder, "movie_directors.dat", [("movieID", "directorID", "directorName"), *directors], "\t", "latin-1")
    billed = [(film.id, name, name, place) for film in films for place, name in enumerate(film.actors, start=1)]
    actors = [("movieID", "actorID", "actorName", "ranking"), *billed[::-1]]
    _write(folder, "movie_actors.dat", actors, "\t", "latin-1")
    _write(folder, "tags.dat", [("id", "value"), (5, "Harbour"), (6, "never used")], "\t")
    tagged = [(7, films[0].id, 5), (9, films[0].id, 5)]
    _write(folder, "user_taggedmovies.dat", [("userID", "movieID", "tagID"), *tagged], "\t")
    _write(folder, "movie_tags.dat", [("movieID", "tagID", "tagWeight"), (films[0].id, 5, 2)], "\t")


def write_movietweetings(folder: Path, films: Sequence[Film], ratings: Sequence[Rating]) -> None:
    _write(folder, "movies.dat", [(f"{f.id:07d}", f.title, "|".join(f.genres)) for f in films], "::")
    rows = [(r.viewer, f"{r.film:07d}", round(r.stars * 2), r.time) for r in ratings]
    _write(folder, "ratings.dat", rows, "::")
    _write(folder, "users.dat", [(7, 100_000_007), (9, 100_000_009)], "::")


WRITERS: dict[str, Writer] = {
    "ml-latest": write_csv,
    "kaggle": write_kaggle,
    "ml-100k": write_100k,
    "ml-1m": write_1m,
    "ml-10M100K": write_10m,
    "hetrec2011": write_hetrec,
    "hetrec2011-dates": write_hetrec_dates,
    "MovieTweetings": write_movietweetings,
}


def write_release(
    folder: Path, release: str, films: Sequence[Film] = FILMS, ratings: Sequence[Rating] = RATINGS
) -> Path:
    """Write the files of a release into a new folder, and return it."""
    folder.mkdir(parents=True)
    WRITERS[release](folder, films, ratings)
    return folder
