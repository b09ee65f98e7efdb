"""manage.py similar FILM …"""

import argparse
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from recommender import registry
from recommender.movies.content_similarity import similarity_from, similarity_to_movie
from recommender.movies.movie_ids import parse_movie_id, resolve_movie_ids
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving import current_versions
from recommender.serving.candidates.neighbours import stored_neighbours
from recommender.serving.similar import find_similar


class Command(BaseCommand):
    help = """Show what POST /similar answers for films, and the parts of each similarity: what the catalogue says
    (genres, texts, people, years, series and the like), and that the same people liked both."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("films", metavar="FILM", nargs="+", help="an id, or words of a title")
        parser.add_argument("--top-k", type=int, default=10, help="neighbours of each (default 10)")

    def handle(self, *args: Any, films: list[str], top_k: int, **options: Any) -> None:
        snapshot = current_versions.read_versions(None).load_snapshot()
        ranker, table = registry.ranker(), snapshot.table
        for text in films:
            row = _find_row(snapshot, text)
            content = similarity_to_movie(snapshot, row)
            stored = stored_neighbours(snapshot, ranker)
            others, added = stored.liked_with(row) if stored is not None else (np.empty(0), np.empty(0))
            liked = dict(zip(others.tolist(), similarity_from(added).tolist(), strict=True))
            self.stdout.write(self.style.SUCCESS(f"{table.key_text(row)} {table.titles[row]} ({table.year[row]})"))
            self.stdout.write("  similarity  content    liked")
            neighbours = find_similar(int(table.ids[row]), top_k)
            for neighbour, similarity in zip(neighbours.movie_ids, neighbours.similarities, strict=True):
                [other] = table.rows_of(np.array([neighbour])).tolist()
                line = f"  {similarity:10.2f}  {content[other]:7.2f}  {liked.get(other, 0.0):7.2f}"
                self.stdout.write(f"{line}  {table.titles[other]} ({table.year[other]})")


def _find_row(snapshot: CatalogueSnapshot, text: str) -> int:
    """Return the row of the movie with this id, or of the shortest title with these words. Raises CommandError."""
    table = snapshot.table
    row = int(table.rows_of(resolve_movie_ids(snapshot, [parse_movie_id(text)]))[0])
    if row < 0 and not text.isdigit():
        rows = [n for n, title in enumerate(table.titles) if text.casefold() in title.casefold()]
        row = min(rows, key=lambda n: len(table.titles[n]), default=-1)
    if row < 0:
        raise CommandError(f"The catalogue has no film {text!r}.")
    return row
