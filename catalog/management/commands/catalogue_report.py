"""manage.py catalogue_report"""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from catalog.plurals import count_noun
from catalog.selectors import CatalogueReport, Namesakes, catalogue_report


class Command(BaseCommand):
    help = """Report how many films lack a poster, a certificate, an overview and so on, and which films have the same
    title and year: those that count as one film, and those that differ. The admin's page of films shows the same."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="the answer of GET /catalogue/report")

    def handle(self, *args: Any, **options: Any) -> None:
        report = catalogue_report()
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=1, ensure_ascii=False))
            return
        for line in _lines(report):
            self.stdout.write(line)


def _lines(report: CatalogueReport) -> Iterator[str]:
    yield f"{count_noun(report.movies, 'film')}; of them without"
    for fact, films in report.missing.items():
        share = report.share(fact)
        yield f"  {fact.replace('_id', ' id'):12} {films or 0:>10,}  {0 if share is None else share:>6.1%}"
    yield ""
    titles = count_noun(report.titles, "title and year has", "titles and years have")
    doubles = count_noun(report.doubles, "of these is a double", "of these are doubles")
    yield (
        f"{titles} more than one film, {report.namesakes:,} in all. "
        f"{doubles} (=): who saw one has seen the other. The others differ (|)."
    )
    for namesakes in report.listed:
        yield f"  {_describe(namesakes)}"
    if left := report.titles - len(report.listed):
        yield f"  and {left:,} more"


def _describe(namesakes: Namesakes) -> str:
    """Write the ids of the films, those of one film with an equals sign between them."""
    films = " | ".join(" = ".join(film.key for film in film_ids) for film_ids in namesakes.films)
    return f"{namesakes.title}{f' ({namesakes.year})' if namesakes.year else ''}: {films}"
