"""The words of `./run`, and whether the files that they name can be what is needed. Standard library alone: this is
asked before any package is there."""

import argparse
import difflib
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NoReturn

from movierec.places import ServerError

FLAGS = ("--data", "--people", "--empty", "--help")
FILMS = ("movies.csv", "movies.dat")  # a data set has one of them


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ServerError(f"./run: {message}. ./run help tells what there is.")


def checked(words: Sequence[str]) -> list[str]:
    """The words of `prepare` for those of `./run`. Raises ServerError for what cannot be."""
    parser = _Parser(prog="./run", description="Starts everything; Ctrl-C stops it.", allow_abbrev=False)
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder, in place of the demo")
    parser.add_argument("--people", type=Path, metavar="FILE", help="directors and actors for --data")
    parser.add_argument("--empty", action="store_true", help="without the demo: for films of your own")
    given, unknown = parser.parse_known_args(words)
    if unknown:
        name = unknown[0].partition("=")[0]
        near = difflib.get_close_matches(name, FLAGS, 1)
        meant = f": did you mean {near[0]}?" if near else f"; there are {', '.join(FLAGS)}."
        raise ServerError(f"./run knows no {name}{meant}")
    if given.people and not given.data:
        raise ServerError("--people goes with --data: it names the people of that data set's films.")
    if given.empty and given.data:
        raise ServerError("--empty and --data exclude each other: the one starts without films, the other with those.")
    if given.data:
        _check_data(given.data)
    if given.people:
        _readable("--people", given.people)
        if given.people.is_dir():
            raise ServerError(f"--people {given.people} is a folder: name the CSV file, plain or .gz.")
    arguments = ["--empty"] if given.empty else []
    for name, path in (("--data", given.data), ("--people", given.people)):
        arguments += [name, str(path.resolve())] if path is not None else []
    return arguments


def _check_data(path: Path) -> None:
    _readable("--data", path)
    if path.is_dir():
        names = {one.name for pattern in ("*", "*/*") for one in path.glob(pattern)}
    else:
        try:
            with zipfile.ZipFile(path) as archive:
                names = {PurePosixPath(name).name for name in archive.namelist()}
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise ServerError(f"--data {path} is no zip, or is cut ({error}): copy or download it again.") from error
    if not names.intersection(FILMS):
        raise ServerError(f"--data {path} is no MovieLens data set: it has neither {' nor '.join(FILMS)}.")


def _readable(name: str, path: Path) -> None:
    if not path.exists():
        raise ServerError(f"{name} {path}: there is no such file or folder.")
    try:
        if path.is_dir():
            next(path.iterdir(), None)
        else:
            path.open("rb").close()
    except OSError as error:
        raise ServerError(f"{name} {path} cannot be read: {error.strerror}.") from error
