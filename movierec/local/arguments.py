"""The words of `./run`, and whether the files that they name can be what is needed. Standard library alone: this is
asked before any package is there."""

import argparse
import difflib
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NoReturn

from movierec.local.server_paths import SetupError

FLAGS = ("--data", "--people", "--empty", "--help")
MOVIE_FILES = ("movies.csv", "movies.dat")  # a data set has one of them


class _ArgumentParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SetupError(f"./run: {message}. ./run help tells what there is.")


def prepare_arguments(words: Sequence[str]) -> list[str]:
    """The words of `prepare` for those of `./run`. Raises ServerError for what cannot be."""
    parser = _ArgumentParser(prog="./run", description="Starts everything; Ctrl-C stops it.", allow_abbrev=False)
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder, in place of the demo")
    parser.add_argument("--people", type=Path, metavar="FILE", help="directors and actors for --data")
    parser.add_argument("--empty", action="store_true", help="without the demo: for films of your own")
    given, unknown = parser.parse_known_args(words)
    if unknown:
        name = unknown[0].partition("=")[0]
        near = difflib.get_close_matches(name, FLAGS, 1)
        meant = f": did you mean {near[0]}?" if near else f"; there are {', '.join(FLAGS)}."
        raise SetupError(f"./run knows no {name}{meant}")
    if given.people and not given.data:
        raise SetupError("--people goes with --data: it names the people of that data set's films.")
    if given.empty and given.data:
        raise SetupError("--empty and --data exclude each other: the one starts without films, the other with those.")
    if given.data:
        _check_data(given.data)
    if given.people:
        _check_readable("--people", given.people)
        if given.people.is_dir():
            raise SetupError(f"--people {given.people} is a folder: name the CSV file, plain or .gz.")
    arguments = ["--empty"] if given.empty else []
    for name, path in (("--data", given.data), ("--people", given.people)):
        arguments += [name, str(path.resolve())] if path is not None else []
    return arguments


def _check_data(path: Path) -> None:
    _check_readable("--data", path)
    if path.is_dir():
        names = {one.name for pattern in ("*", "*/*") for one in path.glob(pattern)}
    else:
        try:
            with zipfile.ZipFile(path) as archive:
                names = {PurePosixPath(name).name for name in archive.namelist()}
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise SetupError(f"--data {path} is no zip, or is cut ({error}): copy or download it again.") from error
    if not names.intersection(MOVIE_FILES):
        raise SetupError(f"--data {path} is no MovieLens data set: it has neither {' nor '.join(MOVIE_FILES)}.")


def _check_readable(name: str, path: Path) -> None:
    if not path.exists():
        raise SetupError(f"{name} {path}: there is no such file or folder.")
    try:
        if path.is_dir():
            next(path.iterdir(), None)
        else:
            path.open("rb").close()
    except OSError as error:
        raise SetupError(f"{name} {path} cannot be read: {error.strerror}.") from error
