"""GET /movies of an isolated system over one HTTP connection: searches as people type them.

title, person       a film's whole title; a director's name
unfinished          a title cut off within a word, as sent at each keystroke
title_and_person    a word of a title, the last name of its director, the year
mistyped            a title with two letters of its longest word swapped: corrections are searched for
common              the words that most titles have
filtered            a word with a genre and years
plain               a page without a search

Pages have 20 films. Times are of the client: from the request's first byte to the response's last. `found` is the
share of titles whose film is on the first page, spelled right and mistyped."""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import polars as pl

from benchmarks.benchmark_system import isolated_system
from benchmarks.report import print_report
from benchmarks.serving.client import Connection, LoadResult, Server, drive_load
from benchmarks.serving.fixture import create_key
from benchmarks.synthetic_data import synthetic_catalogue
from catalog.dataset import DIRECTOR, Dataset
from movierec.local.services import application_services

NUM_MOVIES = 62_000
ROUNDS, QUICK_ROUNDS, REQUESTS_PER_ROUND = 6, 2, 50
PAGE_SIZE, NUM_TITLES, NUM_COMMON = 20, 300, 6
WORD = r"\p{L}{2,}"
START_SECONDS = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument(
        "--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else a catalogue is generated"
    )
    parser.add_argument("--people", type=Path, metavar="FILE", help="directors and actors for --data")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")


def run(args: argparse.Namespace) -> None:
    """Measure searches of every kind and print the report."""
    with isolated_system(MOVIEREC_RATE_READS="100000000/min") as system:
        dataset, load_seconds = _load(args.data, args.people)
        server = Server("127.0.0.1", int(os.environ["PORT"]), create_key())
        web, *_ = application_services()
        system.supervisor.start(web)
        _wait_for(server)
        searches = TypedSearches(dataset)
        loads: dict[str, list[LoadResult]] = {name: [] for name in searches.kinds}
        for number in range(1 + (QUICK_ROUNDS if args.quick else ROUNDS)):
            for name in searches.kinds:
                requests = [
                    server.request("GET", f"/movies?{urlencode(parameters)}")
                    for parameters in searches.next_searches(name, REQUESTS_PER_ROUND)
                ]
                load = drive_load(server, requests, 1)
                if number:  # in the first round every process sees everything once
                    loads[name].append(load)
        found_shares = {name: _found_share(searches, name) for name in ("title", "mistyped")}
    _report(dataset, loads, load_seconds, found_shares)


def _load(data: Path | None, people: Path | None) -> tuple[Dataset, float]:
    # Django is configured by isolated_system.
    from catalog.loading import load_dataset
    from catalog.movielens import read_movielens

    dataset = read_movielens(data, people) if data else synthetic_catalogue(NUM_MOVIES)
    dataset.events, dataset.expected_events = (), 0
    return dataset, load_dataset(dataset).seconds


def _wait_for(server: Server) -> None:
    """Wait until the web process accepts connections; without a model it is never ready to recommend."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return Connection(server).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


class TypedSearches:
    """Searches as people type them, made from the films in a random order."""

    def __init__(self, dataset: Dataset) -> None:
        directors = dataset.credits.filter(pl.col("role") == DIRECTOR).unique(
            "movie", keep="first", maintain_order=True
        )
        movies = dataset.movies.filter(pl.col("title").str.contains(r"\p{L}{5}")).sample(
            fraction=1, shuffle=True, seed=1
        )
        credited = movies.join(directors, left_on="id", right_on="movie", how="left", maintain_order="left")
        self.movies = credited.select("id", "title", "year", pl.col("person").fill_null("")).rows()
        self.people = [person for *_, person in self.movies if person] or [""]
        all_words = dataset.movies["title"].str.to_lowercase().str.extract_all(WORD).explode()
        self.common = all_words.value_counts(sort=True)[all_words.name].head(NUM_COMMON).to_list()
        self.genres = dataset.genres["name"].unique(maintain_order=True).to_list()
        self.random = np.random.default_rng(1)
        self.position = 0
        self.kinds: dict[str, Callable[[int, str, int, str], dict[str, Any]]] = {
            "title": lambda n, title, year, person: {"search": title[:100]},
            "person": lambda n, title, year, person: {"search": self.people[n % len(self.people)]},
            "unfinished": lambda n, title, year, person: {"search": title[: int(self.random.integers(3, 16))]},
            "title_and_person": lambda n, title, year, person: {
                "search": f"{longest_word(title)} {person.rpartition(' ')[2]} {year or ''}"
            },
            "mistyped": lambda n, title, year, person: {"search": self.mistyped(title)[:100]},
            "common": lambda n, title, year, person: {"search": self.common[n % len(self.common)]},
            "filtered": lambda n, title, year, person: {
                "search": longest_word(title), "genres": self.genres[n % len(self.genres)],
                "min_year": 1950, "max_year": 2015,
            },
            "plain": lambda n, title, year, person: {"cursor": self.random.integers(1, 50_000)},
        }  # fmt: skip

    def next_searches(self, kind: str, count: int) -> list[dict[str, Any]]:
        """Return the query parameters of the next searches of a kind."""
        movies = [self.movies[(self.position + n) % len(self.movies)] for n in range(count)]
        self.position += count
        return [{"page_size": PAGE_SIZE} | self.kinds[kind](n, *movie[1:]) for n, movie in enumerate(movies)]

    def mistyped(self, title: str) -> str:
        """Return the title with two letters of its longest word swapped."""
        word = longest_word(title)
        index = int(self.random.integers(1, len(word) - 1))
        return title.replace(word, word[:index] + word[index + 1] + word[index] + word[index + 2 :])


def longest_word(title: str) -> str:
    """Return the longest word of letters in a title."""
    return max("".join(c if c.isalpha() else " " for c in title).split(), key=len)


def _found_share(searches: TypedSearches, kind: str) -> float:
    from catalog.selectors import Cursor, MovieFilter, movies_page

    def is_on_first_page(movie: tuple[Any, ...]) -> bool:
        movie_filter = MovieFilter(search=searches.kinds[kind](0, *movie[1:])["search"])
        return movie[0] in {card.movie_id for card in movies_page(movie_filter, Cursor(), PAGE_SIZE).movies}

    return float(np.mean([is_on_first_page(movie) for movie in searches.movies[:NUM_TITLES]]))


def _report(dataset: Dataset, loads: dict[str, list[LoadResult]], load_seconds: float, found: dict[str, float]) -> None:
    if failed := [message for of_kind in loads.values() for load in of_kind for message in load.failed]:
        raise RuntimeError(f"{len(failed)} requests failed, first {failed[0]}")
    times = {name: np.array([ms for load in of_kind for ms in load.milliseconds]) for name, of_kind in loads.items()}
    quantiles = {name: np.quantile(ms, (0.5, 0.95, 0.99)) for name, ms in times.items()}
    search_times = np.concatenate([ms for name, ms in times.items() if name != "plain"])
    result = {"bench": "catalogue", "preset": "default", "parameters": 0, "movies": dataset.movies.height}
    result |= {"people": dataset.credits["person"].n_unique(), "load_s": round(load_seconds, 2)}
    for name, (p50, _, p99) in quantiles.items():
        result |= {f"{name}_p50_ms": round(float(p50), 2), f"{name}_p99_ms": round(float(p99), 2)}
    result |= {"search_p99_ms": round(float(np.quantile(search_times, 0.99)), 2), "found": found}
    print_report(
        f"Searching {dataset.movies.height:,} films; found: {found['title']:.1%}, mistyped {found['mistyped']:.1%}",
        ("search", "p50 ms", "p95 ms", "p99 ms", "max ms"),
        [(name, *map(float, quantiles[name]), float(times[name].max())) for name in quantiles],
        result,
    )
