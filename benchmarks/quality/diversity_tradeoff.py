"""`./run bench quality --diversity`: the cost of the parameter `diversity` in accuracy and its gain in variety, on P1.

Each viewer's list of ten is re-ranked from the model's best films by the function that serving uses; a target that the
re-ranking lifts into the ten counts like any other. Intra-list diversity is the mean of 1 - cosine over the pairs of a
list, by genres (which the re-ranking looks at) and by the model's own vectors (which it does not). Differences in
accuracy to the plain order are paired by viewer, with 95 % intervals."""

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.protocols import Task
from benchmarks.quality.seed_runs import run_seed
from benchmarks.quality.summaries import mean_metrics, paired_differences, summary, token_counts
from benchmarks.report import print_report
from catalog.dataset import Dataset
from recommender.ml import beyond_accuracy, evaluate
from recommender.ml.config import Preset
from recommender.ml.evaluate import Targets, TimeMode
from recommender.ml.ranker import Ranker

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
LIST_LENGTH = 10
METRICS = {
    "hr10": "HR@10",
    "ndcg10": "NDCG@10",
    "by_genres": "ILD genres",
    "by_vectors": "ILD vectors",
    "of_a_series": "series again",
    "of_a_director": "director again",
    "novelty": "novelty",
    "coverage": "coverage",
}


def measure_diversity(
    args: argparse.Namespace, dataset: Dataset, task: Task, preset: Preset, description: dict[str, Any]
) -> None:
    """Measure every level of diversity and print the report. Raises `SystemExit` for another protocol than P1, or a
    model of other films."""
    if args.protocol != "P1":
        raise SystemExit("--diversity works with P1 only.")
    time_mode: TimeMode = args.time or "request"
    ranker = _ranker(args.model, args, task, preset)
    table = _table(dataset, ranker.movie_ids)
    lists = _lists(ranker, task, task.tests["test"], time_mode, table)
    levels = {str(level): _level_metrics(task, ranker, table, values) for level, values in lists.items()}
    ranks = {str(level): _ranks(task, values) for level, values in lists.items()}
    differences = {
        level: paired_differences([level_ranks], [ranks["0.0"]], task.tests["test"].viewers)
        for level, level_ranks in ranks.items()
        if level != "0.0"
    }
    result = {
        **description,
        "preset": ranker.metadata.get("preset", args.preset),
        "protocol": "P1",
        "time": time_mode,
        "data_hash": task.data_hash,
        "listed": LIST_LENGTH,
        "levels": levels,
    }
    result |= {"over_plain": differences, "targets": len(task.tests["test"].rows), "movies": len(task.vocab)}
    result |= {"parameters": sum(p.numel() for p in ranker.model.parameters())} | mean_metrics([levels["0.0"]])
    rows = [[level, *(f"{values[name]:.4f}" for name in METRICS)] for level, values in levels.items()]
    print_report(f"P1 on {dataset.name}: diversity, lists of {LIST_LENGTH}", ["", *METRICS.values()], rows, result)


def _ranker(folder: Path | None, args: argparse.Namespace, task: Task, preset: Preset) -> Ranker:
    if folder is None:
        return run_seed(task, preset, args.seeds[0], "request", args.checkpoints).ranker
    ranker = Ranker.load(folder)
    if not np.array_equal(ranker.movie_ids, task.vocab.movie_ids):
        raise SystemExit(f"The model's {len(ranker.vocab)} films are not the {len(task.vocab)} rated ones of the data.")
    return ranker


def _table(dataset: Dataset, movie_ids: np.ndarray) -> Any:
    """Return the films as the `CatalogueTable` that serving has in memory, with the columns that re-ranking reads."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "movierec.settings")
    import django

    django.setup()
    from catalog.selectors import CatalogueTable

    movie_rows = pl.DataFrame({"id": movie_ids}).join(dataset.movies, on="id", how="left", maintain_order="left")
    genres = dataset.genres.filter(pl.col("movie").is_in(movie_ids.tolist())).sort("movie")
    credits_ = dataset.credits.filter(pl.col("movie").is_in(movie_ids.tolist())).sort("movie", "role", "order")
    genre_names, people = (np.unique(names.to_numpy()) for names in (genres["name"], credits_["person"]))
    zeros = np.zeros(len(movie_ids), np.int64)

    def indptr_of(column_of_movies: pl.Series) -> np.ndarray:
        return np.append(np.searchsorted(column_of_movies.to_numpy(), movie_ids), len(column_of_movies)).astype(
            np.int32
        )

    return CatalogueTable(
        version=1,
        ids=movie_ids,
        published=zeros == 0,
        available_from=zeros,
        available_until=zeros,
        added_at=zeros,
        year=movie_rows["year"].fill_null(0).to_numpy().astype(np.int16),
        runtime=zeros,
        certificate=zeros,
        age=zeros,
        language=zeros,
        genre_start=indptr_of(genres["movie"]),
        genre_of=np.searchsorted(genre_names, genres["name"].to_numpy()),
        credit_start=indptr_of(credits_["movie"]),
        credit_person=np.searchsorted(people, credits_["person"].to_numpy()),
        credit_role=credits_["role"].to_numpy(),
        certificates=[""],
        languages=[""],
        genre_names=genre_names.tolist(),
        person_names=people.tolist(),
        person_ids=np.arange(len(people)),
        titles=movie_rows["title"].fill_null("").to_list(),
        imdb=zeros,
        tmdb=zeros,
    )


def _lists(ranker: Ranker, task: Task, targets: Targets, time_mode: TimeMode, table: Any) -> dict[float, np.ndarray]:
    """Return the lists by level of diversity: int64 [targets, LIST_LENGTH], columns of the model."""
    from recommender.movies.series import detect_series
    from recommender.serving.ranked_movies import RankedMovies
    from recommender.serving.request import DEFAULT_POOL
    from recommender.serving.reranking.diversity import greedy_diversify

    series = detect_series(table)
    lists: dict[float, list[np.ndarray]] = {level: [] for level in LEVELS}
    for chunk in evaluate.chunks(targets):
        states = ranker.encode_tokens(
            task.tokens, chunk.viewers, chunk.rows, evaluate.request_times(task.tokens, chunk, time_mode)
        )
        exclude = [ranker.movie_ids[columns] for columns in evaluate.seen_items(task.tokens, chunk)]
        for top in ranker.top(states, DEFAULT_POOL, exclude=exclude):
            candidates = RankedMovies(*top)
            for level in LEVELS:
                diversified = greedy_diversify(table, series, candidates, LIST_LENGTH, level) if level else candidates
                lists[level].append(ranker.columns_of(diversified.movie_ids[:LIST_LENGTH]))
    return {level: np.stack(rows) for level, rows in lists.items()}


def _ranks(task: Task, lists: np.ndarray) -> np.ndarray:
    """Return the ranks of the targets in their lists, from 1; infinite outside."""
    target = task.tokens.items[task.tests["test"].rows] - 1
    is_target = lists == target[:, None]
    return np.where(is_target.any(1), is_target.argmax(1) + 1.0, np.inf)


def _level_metrics(task: Task, ranker: Ranker, table: Any, lists: np.ndarray) -> dict[str, float]:
    """Return accuracy and variety of the lists. of_a_series, of_a_director: mean number of films that share one with a
    film above them."""
    from recommender.movies.series import detect_series

    counts = token_counts(task, task.ends)
    accuracy = summary(_ranks(task, lists))
    return {
        "hr10": accuracy["hr10"],
        "ndcg10": accuracy["ndcg10"],
        "by_genres": round(beyond_accuracy.diversity(lists, beyond_accuracy.genre_matrix_of(task.features)), 4),
        "by_vectors": round(beyond_accuracy.diversity(lists, ranker.vectors.items.cpu().numpy().astype(np.float64)), 4),
        "of_a_series": count_repeats(lists, detect_series(table)),
        "of_a_director": count_repeats(lists, _first_director(table)),
        "novelty": round(beyond_accuracy.novelty(lists, counts, len(task.ends)), 4),
        "coverage": round(beyond_accuracy.coverage(lists, len(task.vocab)), 4),
    }


def count_repeats(lists: np.ndarray, group: np.ndarray) -> float:
    """Return the mean number of films per list that share their group with a film above; -1 is no group."""
    groups = np.sort(np.where(group[lists] < 0, -1 - np.arange(lists.shape[1]), group[lists]), axis=1)
    return round(float((groups[:, 1:] == groups[:, :-1]).sum(1).mean()), 4)


def _first_director(table: Any) -> np.ndarray:
    """Return each film's first director, int64 [films]; -1 where none is known."""
    start, stop = table.credit_start[:-1], table.credit_start[1:]
    entry = np.minimum(start, max(len(table.credit_person) - 1, 0))
    directed = (stop > start) & (table.credit_role[entry] == 1) if len(table.credit_role) else stop > start
    return np.where(directed, table.credit_person[entry] if len(table.credit_person) else -1, -1)
