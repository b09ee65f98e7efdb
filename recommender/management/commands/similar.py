"""manage.py similar FILM …"""

import argparse
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from recommender import registry
from recommender.movies.content_similarity import similarity_to_movie
from recommender.movies.snapshot import current_snapshot
from recommender.serving import current_versions
from recommender.serving.similar import find_similar


class Command(BaseCommand):
    help = """Show what POST /similar answers for films, and the parts of each similarity: what the catalogue says
    (genres, people, years, series), what the model learned, and how often the film is watched soon after."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("films", metavar="FILM", nargs="+", help="an id, or words of a title")
        parser.add_argument("--top-k", type=int, default=10, help="neighbours of each (default 10)")

    def handle(self, *args: Any, films: list[str], top_k: int, **options: Any) -> None:
        known = current_snapshot(current_versions.read_versions(None).versions.catalogue or 0)
        ranker, table = registry.ranker(), known.table
        for words in films:
            row = self._find_row(table, words)
            movie, content = int(table.ids[row]), similarity_to_movie(known, row)
            place = -1 if ranker is None else int(ranker.columns_of(np.array([movie]))[0])
            near = ranker.item_similarity(movie) if ranker is not None and place >= 0 else None
            after = ranker.successor_shares(movie) if ranker is not None and place >= 0 else None
            self.stdout.write(self.style.SUCCESS(f"{movie} {table.titles[row]} ({table.year[row]})"))
            self.stdout.write("  similarity  content  learned  after")
            found = find_similar(movie, top_k)
            for other, value in zip(found.movie_ids, found.similarities, strict=True):
                at, column = int(table.rows_of(np.array([other]))[0]), -1
                if ranker is not None:
                    column = int(ranker.columns_of(np.array([other]))[0])
                parts = ["-" if part is None or column < 0 else f"{part[column]:.2f}" for part in (near, after)]
                line = f"  {value:10.2f}  {content[at]:7.2f}  {parts[0]:>7}  {parts[1]:>5}"
                self.stdout.write(f"{line}  {table.titles[at]} ({table.year[at]})")

    def _find_row(self, table: Any, words: str) -> int:
        if words.isdigit():
            row = int(table.places(np.array([int(words)]))[0])
        else:
            titled = [n for n, title in enumerate(table.titles) if words.casefold() in title.casefold()]
            row = min(titled, key=lambda n: len(table.titles[n]), default=-1)
        if row < 0:
            raise CommandError(f"The catalogue has no film {words!r}.")
        return row
