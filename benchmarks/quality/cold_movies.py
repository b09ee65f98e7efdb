"""`./run bench quality --cold-films`: rank films that nobody has watched yet by their metadata.

A twentieth of the films that have metadata is held out: their ratings are removed from every history. For a viewer who
rated some of them, the last one is the target; the viewer's later ratings are removed too. The model knows these films
by genres, people and decade alone. They are ranked among all films that the viewer has not seen, and among the held-out
films only. The baselines are chance and popularity by genre: the sum over a film's genres of the genre's share in the
viewer's history times the genre's share of all ratings. Held-out films that the viewer had rated before the target are
no candidates either, though no model knows of them."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from benchmarks.protocols import Task, movie_features, sort_events, to_histories
from benchmarks.quality import results
from benchmarks.quality.seed_runs import SELECTED_ON, Ranks, SeedRun, new_model, run_seed
from benchmarks.quality.summaries import MAIN_METRICS, mean_metrics, summary, token_counts
from benchmarks.report import print_report
from catalog.dataset import Dataset
from recommender.ml import evaluate
from recommender.ml.beyond_accuracy import genre_matrix_of
from recommender.ml.config import Preset
from recommender.ml.data import Tokens, data_hash, tokenise
from recommender.ml.evaluate import TIME_MODES, Scorer, Targets
from recommender.ml.features import Features
from recommender.ml.ranker import Ranker
from recommender.ml.vocab import Vocab

HELD_OUT_SHARE = 0.05  # of the films with metadata
METRICS = ("mrr", "hr10", "hr50", "percentile")
CandidateMetrics = dict[str, dict[str, float]]  # by candidate set: all, held_out
MIN_SCORE = np.finfo(np.float32).min  # below any score, but finite


class ColdMovies(NamedTuple):
    """The held-out films, and which of them each viewer had rated before the target."""

    mask: np.ndarray  # bool [N]
    indptr: np.ndarray  # int64 [U + 1]
    items: np.ndarray  # int64 [m], 0..N - 1; viewer u's are items[indptr[u]:indptr[u + 1]]

    def rated_by(self, viewer: int) -> np.ndarray:
        """Return the held-out films that a viewer had rated before the target."""
        return self.items[self.indptr[viewer] : self.indptr[viewer + 1]]


def measure_cold_movies(
    args: argparse.Namespace, dataset: Dataset, events: pl.DataFrame, preset: Preset, description: dict[str, Any]
) -> None:
    """Measure cold films and print the report; `description` identifies the run. The headline is of request time."""
    task, cold = make_cold_task(dataset, events)
    result = {**description, "protocol": "cold-films", "time": "request", "held_out": int(cold.mask.sum())}
    result |= results.describe_task(task, preset)
    result["parameters"] = sum(p.numel() for p in new_model(task, preset).parameters())
    baselines = {name: cold_metrics(task, cold, score) for name, score in _baselines(task).items()}
    seed_runs = [run_seed(task, preset, seed, "request", args.checkpoints, cold.mask) for seed in args.seeds]
    runs = [_run_metrics(task, cold, seed_run) for seed_run in seed_runs]
    result |= {"baselines": baselines, "runs": runs, "selected_on": SELECTED_ON}
    result |= mean_metrics((run["request"]["all"] for run in runs), MAIN_METRICS)
    result |= {
        "train_s": float(np.median([seed_run.train_s for seed_run in seed_runs])),
        "curves": [seed_run.curve for seed_run in seed_runs],
    }
    if args.result:
        results.save_result(args.result, result, task, {run.seed: _ranks(task, cold, run) for run in seed_runs})
    columns = ["", *(f"{name} among {label}" for label in ("all", "held out") for name in METRICS)]
    printed = {key: value for key, value in result.items() if key != "curves"}
    print_report(f"Films without a rating, {dataset.name}", columns, _rows(baselines, runs), printed)


def make_cold_task(dataset: Dataset, events: pl.DataFrame) -> tuple[Task, ColdMovies]:
    """Return the task, and the held-out films."""
    vocab = Vocab(events["movie"].to_numpy())
    features = movie_features(dataset, vocab)
    mask = choose_cold_movies(features)
    ordered = sort_events(events).with_columns(cold=pl.col("movie").is_in(vocab.movie_ids[mask].tolist()))
    ordered = ordered.with_columns(place=pl.int_range(pl.len()).over("viewer"))
    ordered = ordered.with_columns(last=pl.when("cold").then("place").max().over("viewer"))
    # Ratings after the target would be the future; of the held-out films only the target stays.
    earlier = ordered.filter("cold", pl.col("place") < pl.col("last"))
    is_past = pl.col("last").is_null() | (pl.col("place") <= pl.col("last"))
    ordered = ordered.filter(is_past, ~pl.col("cold") | (pl.col("place") == pl.col("last")))
    histories = to_histories(ordered)
    viewers = np.searchsorted(histories.viewers, earlier["viewer"].to_numpy())
    indptr = np.searchsorted(viewers, np.arange(len(histories.viewers) + 1))
    cold = ColdMovies(mask, indptr, vocab.encode(earlier["movie"].to_numpy()) - 1)
    return _task(tokenise(histories, vocab), vocab, features, mask, data_hash(*histories)), cold


def choose_cold_movies(features: Features) -> np.ndarray:
    """Choose a twentieth of the films that have metadata, the same each time: bool [N]."""
    described = np.flatnonzero(np.diff(features.indptr)[1:])
    held_out = np.random.default_rng(1).permutation(described)[: max(1, int(HELD_OUT_SHARE * len(described)))]
    return np.isin(np.arange(len(features.indptr) - 2), held_out)


def _task(tokens: Tokens, vocab: Vocab, features: Features, cold: np.ndarray, data_hash: str) -> Task:
    """Return the task: a viewer's last token is the target if it is a held-out film, the one before it validates."""
    last = tokens.indptr[1:] - 1
    viewers = np.flatnonzero(cold[tokens.items[last] - 1] & (tokens.lengths() >= 2))
    known_ends = tokens.indptr[1:] - cold[tokens.items[last] - 1]
    validated = np.flatnonzero(known_ends - tokens.indptr[:-1] >= 3)
    ends = known_ends.copy()
    ends[validated] -= 1
    validation, test = Targets(validated, known_ends[validated] - 1), Targets(viewers, last[viewers])
    return Task(tokens, vocab, features, ends, validation, {"test": test}, known_ends, data_hash)


def _run_metrics(task: Task, cold: ColdMovies, run: SeedRun) -> dict[str, Any]:
    without_prior = Ranker(run.ranker.model, task.vocab)
    return {
        "seed": run.seed,
        "epoch": run.epoch,
        "prior": run.prior_weights(),
        "train_s": round(run.train_s, 1),
        **{mode: cold_metrics(task, cold, evaluate.ranker_scorer(run.ranker, mode)) for mode in TIME_MODES},
        "alone": cold_metrics(task, cold, evaluate.ranker_scorer(without_prior, "request")),
    }


def _baselines(task: Task) -> Mapping[str, Scorer]:
    rng = np.random.default_rng(1)
    return {
        "random": lambda tokens, targets: rng.random((len(targets.rows), len(task.vocab)), np.float32),
        "genre_popularity": genre_popularity(genre_matrix_of(task.features), token_counts(task, task.baseline_ends)),
    }


def genre_popularity(genre_matrix: np.ndarray, counts: np.ndarray) -> Scorer:
    """Score by genre: `genre_matrix` [N, G] says which film has which genre, `counts` [N] how many tokens it has."""
    popularity = genre_matrix.T @ counts / max(1, counts.sum())

    def score(tokens: Tokens, targets: Targets) -> np.ndarray:
        histories = np.array([genre_matrix[columns].sum(0) for columns in evaluate.seen_items(tokens, targets)])
        shares = histories / np.maximum(histories.sum(1, keepdims=True), 1)
        return (shares * popularity) @ genre_matrix.T

    return score


def cold_metrics(task: Task, cold: ColdMovies, score: Scorer) -> CandidateMetrics:
    """Return accuracy of the targets among all films and among the held-out ones. percentile: the mean share of the
    other candidates that rank below the film, 0.5 by chance."""
    test = task.tests["test"]
    num_rated = np.diff(cold.indptr)[test.viewers]
    unseen = len(task.vocab) - (test.rows - task.tokens.indptr[test.viewers]) - num_rated
    candidates = {"all": unseen, "held_out": cold.mask.sum() - num_rated}
    result = {}
    for candidate_set, num_candidates in candidates.items():
        ranks = rank_cold(task, cold, score, candidate_set == "held_out")
        below = 1 - (ranks - 1) / np.maximum(num_candidates - 1, 1)
        result[candidate_set] = summary(ranks) | {"percentile": round(float(below.mean()), 4)}
    return result


def rank_cold(task: Task, cold: ColdMovies, score: Scorer, held_out_only: bool) -> np.ndarray:
    """Return the ranks of the targets among all films or the held-out ones, float64 [targets]."""

    def candidates(tokens: Tokens, targets: Targets) -> np.ndarray:
        scores = np.array(score(tokens, targets), np.float32)
        if held_out_only:
            scores[:, ~cold.mask] = MIN_SCORE
        for row, viewer in zip(scores, targets.viewers, strict=True):
            row[cold.rated_by(viewer)] = MIN_SCORE
        return scores

    return evaluate.rank_targets(task.tokens, task.tests["test"], candidates)


def _ranks(task: Task, cold: ColdMovies, run: SeedRun) -> Ranks:
    """Return the ranks among all films by time mode."""
    scorers = {mode: evaluate.ranker_scorer(run.ranker, mode) for mode in TIME_MODES}
    return {mode: {"test": rank_cold(task, cold, scorer, False)} for mode, scorer in scorers.items()}


def _rows(baselines: Mapping[str, CandidateMetrics], runs: Sequence[Mapping[str, Any]]) -> list[list[object]]:
    def cells(metrics: CandidateMetrics) -> list[object]:
        return [f"{metrics[candidates][name]:.4f}" for candidates in ("all", "held_out") for name in METRICS]

    rows: list[list[object]] = [[name, *cells(metrics)] for name, metrics in baselines.items()]
    for run in runs:
        rows += [[f"transformer, {mode}, seed {run['seed']}", *cells(run[mode])] for mode in (*TIME_MODES, "alone")]
    return rows
