"""manage.py similar FILM …"""

import argparse
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from recommender import registry
from recommender.movies.content_similarity import similarity_to_movie
from recommender.movies.movie_ids import parse_movie_id, resolve_movie_ids
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving import current_versions
from recommender.serving.similar import find_similar


class Command(BaseCommand):
    help = """Show what POST /similar answers for films, and the parts of each similarity: what the catalogue says
    (genres, texts, people, years, series and the like), and what the model learned."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("films", metavar="FILM", nargs="+", help="an id, or words of a title")
        parser.add_argument("--top-k", type=int, default=10, help="neighbours of each (default 10)")

    def handle(self, *args: Any, films: list[str], top_k: int, **options: Any) -> None:
        snapshot = current_versions.read_versions(None).load_snapshot()
        ranker, table = registry.ranker(), snapshot.table
        for text in films:
            row = _find_row(snapshot, text)
            movie_id, content = int(table.ids[row]), similarity_to_movie(snapshot, row)
            is_ranked = ranker is not None and ranker.columns_of(np.array([movie_id]))[0] >= 0
            learned = ranker.item_similarity(movie_id) if ranker is not None and is_ranked else None
            self.stdout.write(self.style.SUCCESS(f"{table.key_text(row)} {table.titles[row]} ({table.year[row]})"))
            self.stdout.write("  similarity  content  learned")
            neighbours = find_similar(movie_id, top_k)
            for neighbour, similarity in zip(neighbours.movie_ids, neighbours.similarities, strict=True):
                ids = np.array([neighbour])
                row, column = int(table.rows_of(ids)[0]), -1 if ranker is None else int(ranker.columns_of(ids)[0])
                cosine = "-" if learned is None or column < 0 else f"{learned[column]:.2f}"
                line = f"  {similarity:10.2f}  {content[row]:7.2f}  {cosine:>7}"
                self.stdout.write(f"{line}  {table.titles[row]} ({table.year[row]})")


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
