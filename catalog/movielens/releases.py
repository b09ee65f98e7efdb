"""The releases that are read, and how the files of a folder tell which it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import DataFileError
from catalog.movielens.files import DataFile, DataFolder
from catalog.movielens.ratings import Clock, RatingsFormat, Scale

_COLUMNS = ("userId", "movieId", "rating", "timestamp")


@dataclass(frozen=True)
class Release:
    """A release's files. `ratings`: by name, the first that is there is read; `signs`: files that no other has."""

    name: str
    films: tuple[str, ...]  # one of these
    ratings: Mapping[str, RatingsFormat]
    links: str = ""
    tags: str = ""
    signs: tuple[str, ...] = ()

    def films_file(self, files: Mapping[str, DataFile]) -> DataFile | None:
        """Return the file of the films, if it is there."""
        return next((files[name] for name in self.films if name in files), None)

    def signs_in(self, files: Mapping[str, DataFile]) -> list[str]:
        """Return the files by which the release is recognised."""
        return [name for name in (*self.films, *self.ratings, *self.signs) if name in files]


MOVIELENS = Release(
    "MovieLens in CSV", ("movies.csv",), {"ratings.csv": RatingsFormat()}, links="links.csv", tags="tags.csv"
)
KAGGLE = Release(
    "MovieLens 20M of Kaggle", ("movie.csv",), {"rating.csv": RatingsFormat()}, links="link.csv", tags="tag.csv"
)
MOVIELENS_100K = Release("MovieLens 100K", ("u.item",), {"u.data": RatingsFormat(b"\t", _COLUMNS)})
HETREC = Release(
    "HetRec 2011",
    ("movies.dat",),
    {
        "user_ratedmovies-timestamps.dat": RatingsFormat(b"\t", clock=Clock.MILLISECONDS),
        "user_ratedmovies.dat": RatingsFormat(b"\t", clock=Clock.PARTS),
    },
    signs=("movie_genres.dat", "movie_directors.dat", "movie_actors.dat"),
)
MOVIELENS_1M_OR_10M = Release(
    "MovieLens 1M or 10M", ("movies.dat",), {"ratings.dat": RatingsFormat(b"::", _COLUMNS)}, tags="tags.dat"
)
MOVIETWEETINGS = Release(
    "MovieTweetings",
    ("movies.dat", "items.dat"),
    {"ratings.dat": RatingsFormat(b"::", _COLUMNS, Scale.ZERO_TO_TEN)},
)
NAMES = "MovieLens 100K, 1M, 10M, 20M, 25M, 32M, latest, HetRec 2011, MovieTweetings"


def choose_release(path: Path, folders: list[DataFolder]) -> tuple[Release, DataFolder]:
    """Return the release in the topmost folder with one. Raises DataFileError where there is none, or more than one."""
    found = [(release, folder) for folder in folders if (release := recognise(folder.files))]
    whole = [(release, folder) for release, folder in found if release.films_file(folder.files)]
    if not found:
        names = ", ".join(sorted(name for folder in folders for name in folder.files)[:10]) or "nothing"
        raise DataFileError(
            str(path),
            None,
            f"is no data set of films and ratings: it needs movies.csv or movies.dat or u.item and the ratings of one "
            f"of {NAMES}; it has {names}",
        )
    if not whole:
        release, folder = found[0]
        raise DataFileError(
            str(path),
            None,
            f"is {release.name} by its {' and '.join(release.signs_in(folder.files))}, but lacks the films: "
            f"{' or '.join(release.films)} has to stand beside",
        )
    top = [folder.label for _, folder in whole if _depth(folder) == _depth(whole[0][1])]
    if len(top) > 1:
        raise DataFileError(str(path), None, f"holds several data sets: {', '.join(top)}; name the folder of one")
    return whole[0]


def _depth(folder: DataFolder) -> int:
    return 0 if folder.label == "." else folder.label.count("/") + 1


def recognise(files: Mapping[str, DataFile]) -> Release | None:
    """Return the release that the files of a folder are of; None where they are of none.

    The films of MovieLens 1M and 10M, HetRec and MovieTweetings stand in files of one name: what is in them tells.
    """
    for release in (MOVIELENS, KAGGLE, MOVIELENS_100K):
        if release.signs_in(files):
            return release
    if any(name in files for name in (*HETREC.ratings, *HETREC.signs)):
        return HETREC
    if "movies.dat" in files and _start(files["movies.dat"]).startswith("id\t"):
        return HETREC
    if MOVIETWEETINGS.signs_in(files):
        return MOVIETWEETINGS if _is_movietweetings(files) else MOVIELENS_1M_OR_10M
    return None


def _is_movietweetings(files: Mapping[str, DataFile]) -> bool:
    """Say whether the films have ids of IMDb, with zeros in front, and the ratings go up to ten.

    Where the files can be read both ways, as after a program that dropped the zeros, most ratings are above five stars.
    """
    if "items.dat" in files and "movies.dat" not in files:
        return True
    if "users.dat" in files and re.match(r"\d+::\d+\s*$", _start(files["users.dat"]), re.ASCII | re.MULTILINE):
        return True
    if "movies.dat" in files and re.search(r"^0\d+::", _start(files["movies.dat"]), re.ASCII | re.MULTILINE):
        return True
    ratings = re.findall(r"^\d+::\d+::(\d+)", _start(files["ratings.dat"]) if "ratings.dat" in files else "", re.M)
    return sum(int(rating) > 5 for rating in ratings) * 2 > len(ratings) > 0


def _start(file: DataFile) -> str:
    """Return the beginning of a file's text, whatever its encoding."""
    with file.open() as stream:
        return stream.read(65_536).decode("latin-1").removeprefix("\xef\xbb\xbf")
