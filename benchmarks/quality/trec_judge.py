"""A judge from outside: our lists as a TREC run, the relevant films as qrels, scored by trec_eval's own code.

Three differences are settled before the two are compared. trec_eval breaks ties in a way of its own, so both get scores
without ties: equal ones in the order of the films. A run has the best 200 films, so a reciprocal rank beyond 200
counts 0 on both sides. trec_eval divides recall by all relevant films, so it is taken over min(k, relevant) afterwards.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytrec_eval

from benchmarks.protocols import Task
from recommender.ml import beyond_accuracy, evaluate, metrics, visits
from recommender.ml.data import Tokens
from recommender.ml.evaluate import Scorer, Targets
from recommender.ml.visits import RelevantItems

LENGTH = 200  # films of a list
TOLERANCE = 1e-4
MAX_TARGETS = 20_000  # of a test: trec_eval holds all lists in memory
MEASURES = {"ndcg10": "ndcg_cut_10", "recall10": "recall_10", "recall50": "recall_50", "hr10": "success_10"}
MEASURES |= {"mrr": "recip_rank"}
_ASKED = {"ndcg_cut.10", "recall.10,50", "success.10", "recip_rank"}


class Ranking(NamedTuple):
    """Lists of a scorer without ties, what is relevant to each, and our own metrics of them."""

    lists: np.ndarray  # int64 [n, up to LENGTH], columns of films, best first
    relevant: RelevantItems
    metrics: dict[str, float]  # by the names of MEASURES


def without_ties(score: Scorer) -> Scorer:
    """Return the scorer with equal scores in the order of the films; the order of others is the same."""

    def distinct(tokens: Tokens, targets: Targets) -> np.ndarray:
        order = np.argsort(-score(tokens, targets), axis=1, kind="stable")
        scores = np.empty(order.shape, np.float32)
        np.put_along_axis(scores, order, np.arange(order.shape[1], 0, -1, dtype=np.float32)[None], axis=1)
        return scores

    return distinct


def rank_single_targets(task: Task, targets: Targets, score: Scorer) -> Ranking:
    """Rank one film a target, as P1 and P2 do."""
    distinct, columns = without_ties(score), task.tokens.items[targets.rows].astype(np.int64) - 1
    length = min(LENGTH, len(task.vocab))
    lists = beyond_accuracy.top_k_lists(task.tokens, targets, distinct, length)
    ranks = evaluate.rank_targets(task.tokens, targets, distinct)
    relevant = RelevantItems(np.arange(len(columns) + 1), columns, np.ones(len(columns), bool))
    own = {"ndcg10": metrics.ndcg(ranks, 10), "recall10": metrics.hit_rate(ranks, 10)}
    own |= {"recall50": metrics.hit_rate(ranks, 50), "hr10": metrics.hit_rate(ranks, 10)}
    return Ranking(lists, relevant, own | {"mrr": metrics.mrr(_within_list(ranks))})


def visit_ranking(lists: np.ndarray, ranks: np.ndarray, relevant: RelevantItems) -> Ranking:
    """Return the ranking of N from lists and ranks without ties."""
    best = visits.best_rank(_within_list(ranks), relevant)
    own = {
        "ndcg10": visits.ndcg(ranks, relevant, 10),
        "recall10": visits.recall(ranks, relevant, 10),
        "recall50": visits.recall(ranks, relevant, 50),
        "hr10": best <= 10,
        "mrr": 1.0 / best,
    }
    return Ranking(lists, relevant, {name: float(np.mean(values)) for name, values in own.items()})


def _within_list(ranks: np.ndarray) -> np.ndarray:
    return np.where(ranks <= LENGTH, ranks, np.inf)


def judge(folder: Path, name: str, ranking: Ranking, movie_ids: np.ndarray) -> dict[str, dict[str, float]]:
    """Write NAME.run and NAME.qrels to `folder` and return our metrics and trec_eval's, read from those files.

    Raises `SystemExit` where one differs by more than TOLERANCE: then no figure of the harness can be trusted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run, qrels = folder / f"{name}.run", folder / f"{name}.qrels"
    run.write_text(_run_lines(ranking.lists, movie_ids))
    qrels.write_text(_qrels_lines(ranking.relevant, movie_ids))
    theirs = score_files(run, qrels)
    for measure, value in ranking.metrics.items():
        if abs(value - theirs[measure]) > TOLERANCE:
            raise SystemExit(f"{run}: {measure} is {value:.6f} here and {theirs[measure]:.6f} by trec_eval.")
    return {"ours": _rounded(ranking.metrics), "trec_eval": _rounded(theirs)}


def score_files(run: Path, qrels: Path) -> dict[str, float]:
    """Score a run by trec_eval, means over its queries; recall over min(k, relevant)."""
    with run.open() as run_lines, qrels.open() as qrels_lines:
        lists, relevance = pytrec_eval.parse_run(run_lines), pytrec_eval.parse_qrel(qrels_lines)
    by_query = pytrec_eval.RelevanceEvaluator(relevance, _ASKED).evaluate(lists)
    counts = np.array([len(relevance[query]) for query in by_query])
    means = {}
    for name, measure in MEASURES.items():
        values = np.array([values[measure] for values in by_query.values()])
        if name.startswith("recall"):
            values = values * counts / np.minimum(counts, int(name.removeprefix("recall")))
        means[name] = float(values.mean())
    return means


def _run_lines(lists: np.ndarray, movie_ids: np.ndarray) -> str:
    length = lists.shape[1]
    return "".join(
        f"{query} Q0 {movie} {rank} {length + 1 - rank} movierec\n"
        for query, columns in enumerate(lists)
        for rank, movie in enumerate(movie_ids[columns].tolist(), 1)
    )


def _qrels_lines(relevant: RelevantItems, movie_ids: np.ndarray) -> str:
    queries = np.repeat(np.arange(len(relevant.indptr) - 1), np.diff(relevant.indptr))
    pairs = zip(queries.tolist(), movie_ids[relevant.items].tolist(), strict=True)
    return "".join(f"{query} 0 {movie} 1\n" for query, movie in pairs)


def judge_task(folder: Path, task: Task, scorers: Mapping[str, Scorer]) -> dict[str, Any]:
    """Judge scorers on every test of P1 or P2, up to MAX_TARGETS of each; by test and name."""
    judged = {}
    for test, targets in task.tests.items():
        rank = partial(rank_single_targets, task, evaluate.sample_targets(targets, MAX_TARGETS))
        judged[test] = judge_all(folder / test, scorers, rank, task.vocab.movie_ids)
    return judged


def judge_all(
    folder: Path, scorers: Mapping[str, Scorer], rank: Callable[[Scorer], Ranking], movie_ids: np.ndarray
) -> dict[str, Any]:
    """Judge scorers one after the other, print what trec_eval says, and return it by name."""
    judged = {}
    for name, score in scorers.items():
        judged[name] = judge(folder, name, rank(score), movie_ids)
        print(f"trec_eval, {name}: {judged[name]['trec_eval']}", flush=True)
    return judged


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in values.items()}
