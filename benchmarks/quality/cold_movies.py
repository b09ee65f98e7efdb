"""`./run bench quality --cold-films`: films that nobody has watched yet, ranked by what is known of them.

A twentieth of the films that have metadata is held out: their ratings are taken out of every history. Whoever had rated
some of them is asked for the last one, from what they rated before it, and trains on nothing after it. The model knows
these films by genres, people and decade alone. They are ranked among all films that the viewer has not seen, and among
the films held out only; beside it chance, and popularity by genre: the sum over a film's genres of the genre's share in
the viewer's history times the genre's share of all ratings. What the viewer had rated of the films held out is no
candidate either, though no model is told of it."""

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
from recommender.ml.data import Tokens, tokenise
from recommender.ml.evaluate import TIME_MODES, Scorer, Targets
from recommender.ml.features import Features
from recommender.ml.model_folder import data_hash
from recommender.ml.ranker import Ranker
from recommender.ml.vocab import Vocab

HELD_OUT_SHARE = 0.05  # of the films with metadata
METRICS = ("mrr", "hr10", "hr50", "percentile")
RunDescription = dict[str, Any]
Figures = dict[str, dict[str, float]]  # among all, among those held out
MIN_SCORE = np.finfo(np.float32).min  # below any score, and finite


class ColdMovies(NamedTuple):
    """The films held out, and which of them each viewer had rated before the target."""

    mask: np.ndarray  # bool [N]
    indptr: np.ndarray  # int64 [U + 1]
    rated: np.ndarray  # int64 [m], films 0..N - 1; those of viewer u are rated[indptr[u]:indptr[u + 1]]

    def rated_by(self, viewer: int) -> np.ndarray:
        return self.rated[self.indptr[viewer] : self.indptr[viewer + 1]]


def measure_cold_movies(
    given: argparse.Namespace, dataset: Dataset, events: pl.DataFrame, shape: Preset, named: RunDescription
) -> None:
    """`named` says of which run the result is. Its figures are of request time."""
    task, cold = make_cold_task(dataset, events)
    result = {**named, "protocol": "cold-films", "time": "request", "held_out": int(cold.mask.sum())}
    result |= results.describe_task(task, shape)
    result["parameters"] = sum(p.numel() for p in new_model(task, shape).parameters())
    baselines = {name: cold_metrics(task, cold, score) for name, score in _baselines(task).items()}
    trained = [run_seed(task, shape, seed, "request", given.checkpoints, cold.mask) for seed in given.seeds]
    runs = [_of_run(task, cold, one) for one in trained]
    result |= {"baselines": baselines, "runs": runs, "selected_on": SELECTED_ON}
    result |= mean_metrics((of["request"]["all"] for of in runs), MAIN_METRICS)
    result |= {"train_s": float(np.median([one.train_s for one in trained])), "curves": [one.curve for one in trained]}
    if given.result:
        results.save_result(given.result, result, task, {one.seed: _ranks(task, cold, one) for one in trained})
    columns = ["", *(f"{name} among {among}" for among in ("all", "held out") for name in METRICS)]
    shown = {key: value for key, value in result.items() if key != "curves"}
    print_report(f"Films without a rating, {dataset.name}", columns, _rows(baselines, runs), shown)


def make_cold_task(dataset: Dataset, events: pl.DataFrame) -> tuple[Task, ColdMovies]:
    """The task, and the films held out."""
    vocab = Vocab(events["movie"].to_numpy())
    features = movie_features(dataset, vocab)
    films = choose_cold_movies(features)
    ordered = sort_events(events).with_columns(cold=pl.col("movie").is_in(vocab.movie_ids[films].tolist()))
    ordered = ordered.with_columns(place=pl.int_range(pl.len()).over("viewer"))
    ordered = ordered.with_columns(last=pl.when("cold").then("place").max().over("viewer"))
    # What was rated after the target would be the future; of the films held out only the target stays.
    earlier = ordered.filter("cold", pl.col("place") < pl.col("last"))
    past = pl.col("last").is_null() | (pl.col("place") <= pl.col("last"))
    ordered = ordered.filter(past, ~pl.col("cold") | (pl.col("place") == pl.col("last")))
    histories = to_histories(ordered)
    owner = np.searchsorted(histories.viewers, earlier["viewer"].to_numpy())
    indptr = np.searchsorted(owner, np.arange(len(histories.viewers) + 1))
    cold = ColdMovies(films, indptr, vocab.encode(earlier["movie"].to_numpy()) - 1)
    return _task(tokenise(histories, vocab), vocab, features, films, data_hash(*histories)), cold


def choose_cold_movies(features: Features) -> np.ndarray:
    """A twentieth of the films that have metadata, the same each time: bool [N]."""
    known = np.flatnonzero(np.diff(features.indptr)[1:])
    drawn = np.random.default_rng(1).permutation(known)[: max(1, int(HELD_OUT_SHARE * len(known)))]
    return np.isin(np.arange(len(features.indptr) - 2), drawn)


def _task(tokens: Tokens, vocab: Vocab, features: Features, cold: np.ndarray, digest: str) -> Task:
    """Each viewer's last token is the target where it is a held-out film; the one before it selects."""
    last = tokens.indptr[1:] - 1
    asked = np.flatnonzero(cold[tokens.items[last] - 1] & (tokens.lengths() >= 2))
    known = tokens.indptr[1:] - cold[tokens.items[last] - 1]
    measured = np.flatnonzero(known - tokens.indptr[:-1] >= 3)
    ends = known.copy()
    ends[measured] -= 1
    validation, test = Targets(measured, known[measured] - 1), Targets(asked, last[asked])
    return Task(tokens, vocab, features, ends, validation, {"test": test}, known, digest)


def _of_run(task: Task, cold: ColdMovies, run: SeedRun) -> dict[str, Any]:
    by_time: dict[str, Figures] = {
        t: cold_metrics(task, cold, evaluate.ranker_scorer(run.ranker, t)) for t in TIME_MODES
    }
    alone = cold_metrics(task, cold, evaluate.ranker_scorer(Ranker(run.ranker.model, task.vocab), "request"))
    told = {"seed": run.seed, "epoch": run.epoch, "prior": run.prior_weights()}
    return told | {"train_s": round(run.train_s, 1), **by_time, "alone": alone}


def _baselines(task: Task) -> Mapping[str, Scorer]:
    rng = np.random.default_rng(1)
    return {
        "random": lambda tokens, targets: rng.random((len(targets.rows), len(task.vocab)), np.float32),
        "genre_popularity": genre_popularity(genre_matrix_of(task.features), token_counts(task, task.baseline_ends)),
    }


def genre_popularity(of_film: np.ndarray, watched: np.ndarray) -> Scorer:
    """`of_film` [N, G] says which film has which genre, `watched` [N] how many tokens each has."""
    popularity = of_film.T @ watched / max(1, watched.sum())

    def score(tokens: Tokens, targets: Targets) -> np.ndarray:
        mixes = np.array([of_film[own].sum(0) for own in evaluate.seen_items(tokens, targets)])
        shares = mixes / np.maximum(mixes.sum(1, keepdims=True), 1)
        return (shares * popularity) @ of_film.T

    return score


def cold_metrics(task: Task, cold: ColdMovies, score: Scorer) -> Figures:
    """Of the targets among all films and among those held out. percentile: the mean share of the other candidates that
    stand below the film, 0.5 by chance."""
    test = task.tests["test"]
    rated = np.diff(cold.indptr)[test.viewers]
    unseen = len(task.vocab) - (test.rows - task.tokens.indptr[test.viewers]) - rated
    candidates = {"all": unseen, "held_out": cold.mask.sum() - rated}
    found = {}
    for among, many in candidates.items():
        ranks = rank_cold(task, cold, score, among == "held_out")
        below = 1 - (ranks - 1) / np.maximum(many - 1, 1)
        found[among] = summary(ranks) | {"percentile": round(float(below.mean()), 4)}
    return found


def rank_cold(task: Task, cold: ColdMovies, score: Scorer, held_out_only: bool) -> np.ndarray:
    """Ranks float64 [targets]."""

    def candidates(tokens: Tokens, targets: Targets) -> np.ndarray:
        scores = np.array(score(tokens, targets), np.float32)
        if held_out_only:
            scores[:, ~cold.mask] = MIN_SCORE
        for row, viewer in zip(scores, targets.viewers, strict=True):
            row[cold.rated_by(viewer)] = MIN_SCORE
        return scores

    return evaluate.rank_targets(task.tokens, task.tests["test"], candidates)


def _ranks(task: Task, cold: ColdMovies, run: SeedRun) -> Ranks:
    """Among all films."""
    return {t: {"test": rank_cold(task, cold, evaluate.ranker_scorer(run.ranker, t), False)} for t in TIME_MODES}


def _rows(baselines: Mapping[str, Figures], runs: Sequence[Mapping[str, Any]]) -> list[list[object]]:
    def cells(of: Figures) -> list[object]:
        return [f"{of[among][name]:.4f}" for among in ("all", "held_out") for name in METRICS]

    rows: list[list[object]] = [[name, *cells(of)] for name, of in baselines.items()]
    for of in runs:
        rows += [[f"transformer, {t}, seed {of['seed']}", *cells(of[t])] for t in (*TIME_MODES, "alone")]
    return rows
