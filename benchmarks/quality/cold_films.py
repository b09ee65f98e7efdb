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

from benchmarks.protocols import Task, features_of, histories_of, in_order
from benchmarks.quality import results
from benchmarks.quality.figures import MAIN, counts, mean, summary
from benchmarks.quality.run import SELECTED_ON, Ranks, Run, fresh_model, run_seed
from benchmarks.report import print_report
from catalog.dataset import Dataset
from recommender.ml import evaluate
from recommender.ml.beyond import genres
from recommender.ml.checkpoint import data_hash
from recommender.ml.config import Preset
from recommender.ml.data import Tokens, tokenise
from recommender.ml.evaluate import TIMES, Scorer, Targets
from recommender.ml.features import Features
from recommender.ml.ranker import Ranker
from recommender.ml.vocab import Vocab

SHARE = 0.05  # of the films with metadata
SHOWN = ("mrr", "hr10", "hr50", "percentile")
Named = dict[str, Any]
Figures = dict[str, dict[str, float]]  # among all, among those held out
LOWEST = np.finfo(np.float32).min  # below any score, and finite


class Cold(NamedTuple):
    """The films held out, and which of them each viewer had rated before the target."""

    films: np.ndarray  # bool [N]
    indptr: np.ndarray  # int64 [U + 1]
    rated: np.ndarray  # int64 [m], films 0..N - 1; those of viewer u are rated[indptr[u]:indptr[u + 1]]

    def of(self, viewer: int) -> np.ndarray:
        return self.rated[self.indptr[viewer] : self.indptr[viewer + 1]]


def run(given: argparse.Namespace, dataset: Dataset, events: pl.DataFrame, shape: Preset, named: Named) -> None:
    """`named` says of which run the result is. Its figures are of request time."""
    task, cold = held_out(dataset, events)
    result = {**named, "protocol": "cold-films", "time": "request", "held_out": int(cold.films.sum())}
    result |= results.about(task, shape)
    result["parameters"] = sum(p.numel() for p in fresh_model(task, shape).parameters())
    baselines = {name: figures(task, cold, score) for name, score in _baselines(task).items()}
    trained = [run_seed(task, shape, seed, "request", given.checkpoints, cold.films) for seed in given.seeds]
    runs = [_of_run(task, cold, one) for one in trained]
    result |= {"baselines": baselines, "runs": runs, "selected_on": SELECTED_ON}
    result |= mean((of["request"]["all"] for of in runs), MAIN)
    result |= {"train_s": float(np.median([one.train_s for one in trained])), "curves": [one.curve for one in trained]}
    if given.result:
        results.save(given.result, result, task, {one.seed: _ranks(task, cold, one) for one in trained})
    columns = ["", *(f"{name} among {among}" for among in ("all", "held out") for name in SHOWN)]
    shown = {key: value for key, value in result.items() if key != "curves"}
    print_report(f"Films without a rating, {dataset.name}", columns, _rows(baselines, runs), shown)


def held_out(dataset: Dataset, events: pl.DataFrame) -> tuple[Task, Cold]:
    """The task, and the films held out."""
    vocab = Vocab(events["movie"].to_numpy())
    features = features_of(dataset, vocab)
    films = chosen(features)
    ordered = in_order(events).with_columns(cold=pl.col("movie").is_in(vocab.movie_ids[films].tolist()))
    ordered = ordered.with_columns(place=pl.int_range(pl.len()).over("viewer"))
    ordered = ordered.with_columns(last=pl.when("cold").then("place").max().over("viewer"))
    # What was rated after the target would be the future; of the films held out only the target stays.
    earlier = ordered.filter("cold", pl.col("place") < pl.col("last"))
    past = pl.col("last").is_null() | (pl.col("place") <= pl.col("last"))
    ordered = ordered.filter(past, ~pl.col("cold") | (pl.col("place") == pl.col("last")))
    histories = histories_of(ordered)
    owner = np.searchsorted(histories.viewers, earlier["viewer"].to_numpy())
    indptr = np.searchsorted(owner, np.arange(len(histories.viewers) + 1))
    cold = Cold(films, indptr, vocab.places(earlier["movie"].to_numpy()) - 1)
    return _task(tokenise(histories, vocab), vocab, features, films, data_hash(*histories)), cold


def chosen(features: Features) -> np.ndarray:
    """A twentieth of the films that have metadata, the same each time: bool [N]."""
    known = np.flatnonzero(np.diff(features.indptr)[1:])
    drawn = np.random.default_rng(1).permutation(known)[: max(1, int(SHARE * len(known)))]
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


def _of_run(task: Task, cold: Cold, run: Run) -> dict[str, Any]:
    by_time: dict[str, Figures] = {t: figures(task, cold, evaluate.of_ranker(run.ranker, t)) for t in TIMES}
    alone = figures(task, cold, evaluate.of_ranker(Ranker(run.ranker.model, task.vocab), "request"))
    told = {"seed": run.seed, "epoch": run.epoch, "prior": run.prior_weights()}
    return told | {"train_s": round(run.train_s, 1), **by_time, "alone": alone}


def _baselines(task: Task) -> Mapping[str, Scorer]:
    rng = np.random.default_rng(1)
    return {
        "random": lambda tokens, targets: rng.random((len(targets.rows), len(task.vocab)), np.float32),
        "genre_popularity": genre_popularity(genres(task.features), counts(task, task.baseline_ends)),
    }


def genre_popularity(of_film: np.ndarray, watched: np.ndarray) -> Scorer:
    """`of_film` [N, G] says which film has which genre, `watched` [N] how many tokens each has."""
    popularity = of_film.T @ watched / max(1, watched.sum())

    def score(tokens: Tokens, targets: Targets) -> np.ndarray:
        mixes = np.array([of_film[own].sum(0) for own in evaluate.seen(tokens, targets)])
        shares = mixes / np.maximum(mixes.sum(1, keepdims=True), 1)
        return (shares * popularity) @ of_film.T

    return score


def figures(task: Task, cold: Cold, score: Scorer) -> Figures:
    """Of the targets among all films and among those held out. percentile: the mean share of the other candidates that
    stand below the film, 0.5 by chance."""
    test = task.tests["test"]
    rated = np.diff(cold.indptr)[test.viewers]
    unseen = len(task.vocab) - (test.rows - task.tokens.indptr[test.viewers]) - rated
    candidates = {"all": unseen, "held_out": cold.films.sum() - rated}
    found = {}
    for among, many in candidates.items():
        ranks = rank_cold(task, cold, score, among == "held_out")
        below = 1 - (ranks - 1) / np.maximum(many - 1, 1)
        found[among] = summary(ranks) | {"percentile": round(float(below.mean()), 4)}
    return found


def rank_cold(task: Task, cold: Cold, score: Scorer, held_out_only: bool) -> np.ndarray:
    """Ranks float64 [targets]."""

    def candidates(tokens: Tokens, targets: Targets) -> np.ndarray:
        scores = np.array(score(tokens, targets), np.float32)
        if held_out_only:
            scores[:, ~cold.films] = LOWEST
        for row, viewer in zip(scores, targets.viewers, strict=True):
            row[cold.of(viewer)] = LOWEST
        return scores

    return evaluate.rank(task.tokens, task.tests["test"], candidates)


def _ranks(task: Task, cold: Cold, run: Run) -> Ranks:
    """Among all films."""
    return {t: {"test": rank_cold(task, cold, evaluate.of_ranker(run.ranker, t), False)} for t in TIMES}


def _rows(baselines: Mapping[str, Figures], runs: Sequence[Mapping[str, Any]]) -> list[list[object]]:
    def cells(of: Figures) -> list[object]:
        return [f"{of[among][name]:.4f}" for among in ("all", "held_out") for name in SHOWN]

    rows: list[list[object]] = [[name, *cells(of)] for name, of in baselines.items()]
    for of in runs:
        rows += [[f"transformer, {t}, seed {of['seed']}", *cells(of[t])] for t in (*TIMES, "alone")]
    return rows
