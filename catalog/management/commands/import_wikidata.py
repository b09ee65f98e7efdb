"""manage.py import_wikidata PATH..."""

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from catalog.management.film_import import FilmImportCommand
from catalog.names.languages import canonical_tag
from catalog.sources.film_source import FilmSource
from catalog.sources.wikidata import MAX_CAST, WikidataOptions, read_wikidata

HELP = """Import films, people and titles in many languages from Wikidata.

PATH is what the query in docs/catalogues.md gave, downloaded as JSON or CSV, or a folder or zip of such files; several
are read as one. Films that are there are found by their ids at IMDb or TMDB, else by title and year, and only what they
lack is filled in. Wikidata's data is free of terms (CC0)."""


class Command(FilmImportCommand):
    """Imports results of Wikidata's query service."""

    help = HELP

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("paths", type=Path, metavar="PATH", nargs="+")
        super().add_arguments(parser)
        parser.add_argument(
            "--limit-cast", type=int, default=15, metavar="N", help="Actors of a film, in billing order (%(default)s)."
        )
        parser.add_argument("--adult", action="store_true", help="Films for adults only as well.")

    def open_source(self, options: dict[str, Any]) -> FilmSource:
        if not 0 <= options["limit_cast"] <= MAX_CAST:
            raise CommandError(f"--limit-cast is 0 to {MAX_CAST}.")
        language = canonical_tag(settings.TITLE_LANGUAGE)
        return read_wikidata(options["paths"], WikidataOptions(options["limit_cast"], options["adult"], language))
