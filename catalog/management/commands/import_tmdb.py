"""manage.py import_tmdb PATH"""

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from catalog.management.film_import import FilmImportCommand
from catalog.names.languages import canonical_tag
from catalog.sources.film_source import FilmSource
from catalog.sources.tmdb import MAX_CAST, TmdbOptions, read_tmdb

HELP = """Import films, people, keywords and translated titles from data of TMDB.

PATH is a file, a folder or a zip with any of: The Movies Dataset (movies_metadata.csv, credits.csv, keywords.csv,
links.csv), TMDB 5000, TMDB Movies (TMDB_movie_dataset_v11.csv), TMDB's daily files of ids, and answers of its API saved
as JSON lines. Files are known by their columns. Films that are there are found by their ids at IMDb or TMDB, else by
title and year, and only what they lack is filled in. TMDB's data comes under its terms of use; docs/catalogues.md."""


class Command(FilmImportCommand):
    """Imports TMDB's data."""

    help = HELP

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH")
        super().add_arguments(parser)
        parser.add_argument(
            "--min-votes", type=int, default=0, metavar="N", help="Leave out films with fewer votes (%(default)s)."
        )
        parser.add_argument(
            "--min-popularity",
            type=float,
            metavar="X",
            help="Leave out less popular films, and add films from the daily files of ids.",
        )
        parser.add_argument(
            "--limit-cast", type=int, default=15, metavar="N", help="Actors of a film, in billing order (%(default)s)."
        )
        parser.add_argument("--adult", action="store_true", help="Films for adults only as well.")
        parser.add_argument(
            "--video", action="store_true", help="What TMDB marks as a video as well: compilations, sport, concerts."
        )
        parser.add_argument(
            "--provider",
            default="",
            metavar="NAME",
            help="Films are available where this provider has them (watch/providers of the API), by name or number.",
        )

    def open_source(self, options: dict[str, Any]) -> FilmSource:
        if not 0 <= options["limit_cast"] <= MAX_CAST:
            raise CommandError(f"--limit-cast is 0 to {MAX_CAST}.")
        for name in ("min_votes", "min_popularity"):
            if options[name] is not None and not 0 <= options[name] < float("inf"):
                raise CommandError(f"--{name.replace('_', '-')} is 0 or more.")
        return read_tmdb(
            options["path"],
            TmdbOptions(
                min_votes=options["min_votes"],
                min_popularity=options["min_popularity"],
                cast=options["limit_cast"],
                adult=options["adult"],
                video=options["video"],
                provider=options["provider"],
                certificate_country=settings.CERTIFICATE_COUNTRY,
                title_language=canonical_tag(settings.TITLE_LANGUAGE),
            ),
        )
