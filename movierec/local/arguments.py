"""The arguments of `./run`: parsed, and the files that they name checked, before anything is installed or started."""

import argparse
import difflib
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NoReturn

from infrastructure.errors import SetupError

OPTIONS = ("--data", "--people", "--empty", "--help")
MOVIE_FILES = ("movies.csv", "movies.dat")  # a MovieLens data set has one of them


class _ArgumentParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SetupError(f"./run: {message}. ./run help lists the options.")


def prepare_arguments(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of `manage.py prepare` for those of `./run`. Raises SetupError for what cannot be."""
    parser = _ArgumentParser(prog="./run", description="Starts everything; Ctrl-C stops it.", allow_abbrev=False)
    parser.add_argument("--data", type=Path, metavar="PATH", help="a zip or folder of MovieLens or MovieTweetings")
    parser.add_argument("--people", type=Path, metavar="FILE", help="directors and actors for --data")
    parser.add_argument("--empty", action="store_true", help="without the demo: for films of your own")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        name = unknown[0].partition("=")[0]
        near = difflib.get_close_matches(name, OPTIONS, 1)
        hint = f": did you mean {near[0]}?" if near else f"; there are {', '.join(OPTIONS)}."
        raise SetupError(f"./run knows no {name}{hint}")
    if options.people and not options.data:
        raise SetupError("--people goes with --data: it names the people of that data set's films.")
    if options.empty and options.data:
        raise SetupError("--empty and --data exclude each other: the one starts without films, the other with those.")
    if options.data:
        _check_data(options.data)
    if options.people:
        _check_readable("--people", options.people)
        if options.people.is_dir():
            raise SetupError(f"--people {options.people} is a folder: name the CSV file, plain or .gz.")
    prepared = ["--empty"] if options.empty else []
    for name, path in (("--data", options.data), ("--people", options.people)):
        prepared += [name, str(path.resolve())] if path is not None else []
    return prepared


def _check_data(path: Path) -> None:
    """Raise SetupError where the zip or folder is no MovieLens data set."""
    _check_readable("--data", path)
    if path.is_dir():
        names = {file.name for pattern in ("*", "*/*") for file in path.glob(pattern)}
    else:
        try:
            with zipfile.ZipFile(path) as archive:
                names = {PurePosixPath(name).name for name in archive.namelist()}
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise SetupError(f"--data {path} is no zip, or is cut ({error}): copy or download it again.") from error
    if not names.intersection(MOVIE_FILES):
        raise SetupError(f"--data {path} is no MovieLens data set: it has neither {' nor '.join(MOVIE_FILES)}.")


def _check_readable(option: str, path: Path) -> None:
    if not path.exists():
        raise SetupError(f"{option} {path}: there is no such file or folder.")
    try:
        if path.is_dir():
            next(path.iterdir(), None)
        else:
            path.open("rb").close()
    except OSError as error:
        raise SetupError(f"{option} {path} cannot be read: {error.strerror}.") from error
