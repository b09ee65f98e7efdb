"""manage.py import_imdb FOLDER"""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from catalog.management.film_import import FilmImportCommand
from catalog.sources.film_source import FilmSource
from catalog.sources.imdb import MAX_CAST, MIN_VOTES, TITLE_TYPES, ImdbOptions, read_imdb

HELP = """Import films, people and translated titles from IMDb's data files.

FOLDER (or a zip) holds title.basics.tsv.gz and, as far as they are wanted, title.ratings, title.crew, title.principals,
name.basics and title.akas. Films that are there are found by their ids at IMDb, else by title and year, and
only what they lack is filled in. IMDb's files are for personal and non-commercial use; docs/catalogues.md."""


class Command(FilmImportCommand):
    """Imports IMDb's data files."""

    help = HELP

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        super().add_arguments(parser)
        parser.add_argument(
            "--types",
            default="movie",
            metavar="A,B",
            help=f"Kinds of titles, of {', '.join(TITLE_TYPES)} (default: movie).",
        )
        parser.add_argument(
            "--min-votes",
            type=int,
            metavar="N",
            help=f"Leave out titles with fewer votes (default: {MIN_VOTES} where there is title.ratings).",
        )
        parser.add_argument(
            "--limit-cast", type=int, default=15, metavar="N", help="Actors of a film, in billing order (%(default)s)."
        )
        parser.add_argument("--adult", action="store_true", help="Titles for adults only as well.")

    def open_source(self, options: dict[str, Any]) -> FilmSource:
        types = [name.strip() for name in options["types"].split(",") if name.strip()]
        if unknown := [name for name in types if name not in TITLE_TYPES]:
            raise CommandError(f"--types: {unknown[0]!r} is not among {', '.join(TITLE_TYPES)}.")
        if not 0 <= options["limit_cast"] <= MAX_CAST:
            raise CommandError(f"--limit-cast is 0 to {MAX_CAST}.")
        if options["min_votes"] is not None and options["min_votes"] < 0:
            raise CommandError("--min-votes is 0 or more.")
        return read_imdb(
            options["folder"],
            ImdbOptions(types or ("movie",), options["min_votes"], options["limit_cast"], options["adult"]),
        )
