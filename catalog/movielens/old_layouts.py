"""The small files of MovieLens 100K (u.item) and of HetRec 2011 (tables separated by tabs)."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

import polars as pl

from catalog.dataset import ACTOR, CREDITS, DIRECTOR, to_frame
from catalog.errors import DataFileError
from catalog.limits import MAX_YEAR, MIN_YEAR
from catalog.movielens.files import DataFile
from catalog.movielens.tables import FilmRow, clean_names, clean_tag, parse_whole, to_movies, to_tags
from catalog.names.country_names import country_code

_FLAGS = (
    "", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
_RELEASE_YEAR = re.compile(r".*\b(\d{4})", re.ASCII)  # 01-Jan-1995
_WITH_TITLE, _COLUMNS_OF_FILM = 5, 5 + len(_FLAGS)
_UNKNOWN = ("", r"\N")


def read_items(file: DataFile) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read (movies, genres) from u.item: id, title, release dates, URL, and a flag for each genre."""
    return to_movies(file, _items(file))


def _items(file: DataFile) -> Iterator[FilmRow]:
    for line, text in enumerate(file.lines(), start=1):
        fields = text.rstrip("\r\n").split("|")
        if fields == [""]:
            continue
        if len(fields) < _COLUMNS_OF_FILM:
            raise DataFileError(file.label, line, f"has {len(fields)} fields where {_COLUMNS_OF_FILM} belong")
        behind = len(fields) - _COLUMNS_OF_FILM + 2  # a title may hold | itself
        fields = [fields[0], "|".join(fields[1:behind]), *fields[behind:]]
        flags = fields[_WITH_TITLE:]
        if not set(flags) <= {"0", "1"}:
            raise DataFileError(file.label, line, f"the flags of the genres are {' '.join(flags)[:60]!r}, not 0 and 1")
        released = _RELEASE_YEAR.match(fields[2])
        yield FilmRow(
            line,
            fields[0],
            fields[1],
            [name for name, flag in zip(_FLAGS, flags, strict=True) if flag == "1"],
            _year(released[1] if released else ""),
        )


def read_hetrec_movies(files: Mapping[str, DataFile]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read (movies, genres) from movies.dat, movie_genres.dat and movie_countries.dat."""
    genres = _by_movie(files.get("movie_genres.dat"), "genre")
    countries = _by_movie(files.get("movie_countries.dat"), "country")
    file = files["movies.dat"]
    return to_movies(
        file,
        (
            FilmRow(
                line,
                movie,
                title,
                genres.get(movie, ()),
                _year(year),
                "" if imdb in _UNKNOWN else imdb,
                [code for name in countries.get(movie, ()) if (code := country_code(name))],
            )
            for line, (movie, title, imdb, year) in _table(file, ("id", "title", "imdbID", "year"))
        ),
    )


def _by_movie(file: DataFile | None, column: str) -> dict[str, list[str]]:
    """Map a film's id to its values of a table that may not be there."""
    values: dict[str, list[str]] = {}
    for _, (movie, value) in _table(file, ("movieID", column)) if file else ():
        values.setdefault(movie, []).append(value)
    return values


def read_hetrec_credits(files: Mapping[str, DataFile], movies: Collection[int]) -> pl.DataFrame:
    """Read directors and actors, in the order of billing; films that the set lacks are passed over."""
    credits_: list[tuple[int, str, int, int]] = []
    for role, name, columns in (
        (DIRECTOR, "movie_directors.dat", ("movieID", "directorName")),
        (ACTOR, "movie_actors.dat", ("movieID", "actorName", "ranking")),
    ):
        if (file := files.get(name)) is None:
            continue
        cast: dict[int, list[tuple[int, str]]] = {}
        for line, (number, person, *ranking) in _table(file, columns):
            movie = parse_whole(file, line, "movieID", number)
            place = parse_whole(file, line, "ranking", ranking[0]) if ranking else 0
            if movie in movies and person not in _UNKNOWN:
                cast.setdefault(movie, []).append((place, person))
        for movie, people in cast.items():
            names = clean_names(person for _, person in sorted(people, key=lambda billed: billed[0]))
            credits_ += [(movie, person, role, order) for order, person in enumerate(names)]
    return to_frame(credits_, CREDITS)


def read_hetrec_tags(files: Mapping[str, DataFile], movies: Collection[int]) -> pl.DataFrame:
    """Read the tags with the number of viewers of each: counted, or as movie_tags.dat counts them."""
    names: dict[int, str] = {}
    if file := files.get("tags.dat"):
        names = {
            parse_whole(file, line, "id", number): clean_tag(value)
            for line, (number, value) in _table(file, ("id", "value"))
        }
    viewers: set[tuple[int, str, int]] = set()
    counts: Counter[tuple[int, str]] = Counter()
    by_viewer = files.get("user_taggedmovies-timestamps.dat") or files.get("user_taggedmovies.dat")
    if by_viewer:
        for line, (user, movie, tag) in _table(by_viewer, ("userID", "movieID", "tagID")):
            viewers.add((*_tag_of(by_viewer, line, movie, tag, names), parse_whole(by_viewer, line, "userID", user)))
        counts.update((movie, tag) for movie, tag, _ in viewers)
    elif file := files.get("movie_tags.dat"):
        for line, (movie, tag, weight) in _table(file, ("movieID", "tagID", "tagWeight")):
            counts[_tag_of(file, line, movie, tag, names)] += parse_whole(file, line, "tagWeight", weight)
    return to_tags({(movie, tag): count for (movie, tag), count in counts.items() if tag and movie in movies})


def _tag_of(file: DataFile, line: int, movie: str, tag: str, names: Mapping[int, str]) -> tuple[int, str]:
    number = parse_whole(file, line, "tagID", tag)
    if number not in names:
        raise DataFileError(file.label, line, f"tag {number} does not stand in tags.dat")
    return parse_whole(file, line, "movieID", movie), names[number]


def _table(file: DataFile, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, the fields of these columns). Fields that nothing follows may be left out at a line's end."""
    lines = enumerate(file.lines(), start=1)
    _, first = next(lines, (1, ""))
    header = [name.strip() for name in first.split("\t")]
    missing = [name for name in columns if name not in header]
    if missing:
        present = ", ".join(header)[:200] or "nothing"
        raise DataFileError(file.label, 1, f"column {' and '.join(missing)} is missing; it has {present}")
    positions = [header.index(name) for name in columns]
    for line, text in lines:
        fields = text.rstrip("\r\n").split("\t")
        if fields == [""]:
            continue
        if not max(positions) < len(fields) <= len(header):
            raise DataFileError(file.label, line, f"has {len(fields)} fields where {len(header)} belong")
        yield line, [fields[position].strip() for position in positions]


def _year(text: str) -> int | None:
    year = int(text) if re.fullmatch(r"\d{4}", text, re.ASCII) else 0
    return year if MIN_YEAR <= year <= MAX_YEAR else None
