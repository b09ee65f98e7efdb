"""Protocol N: lists for the next visit, asked after the 0.9 quantile of all times.

Weights and counts of who watched what together stay as they were at the cut. Popularity moves on with the days, as in a
running system: it is what was watched up to the midnight (UTC) before the visit. Every film of the catalogue is ranked.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from benchmarks.protocols import Task, movie_features, sort_events, to_histories
from benchmarks.quality.seed_runs import run_seed
from catalog.dataset import Dataset
from recommender.ml import beyond_accuracy, evaluate, visits
from recommender.ml.baselines import TrainingTokens, baseline_fitters
from recommender.ml.config import Preset
from recommender.ml.data import Tokens, tokenise
from recommender.ml.evaluate import Scorer, Targets
from recommender.ml.metrics import paired_bootstrap
from recommender.ml.model_folder import data_hash
from recommender.ml.ranker import Ranker
from recommender.ml.visits import DAY, RelevantItems, Visits
from recommender.ml.vocab import Vocab

CUT, SELECTION = 0.9, 0.95  # quantiles: of all times; of the times before the cut, where the selection's visits begin
WINDOWS = (1, 3, 7, 30, 365)  # days of the rolling popularities
TESTS = ("every", "first")  # visit after the cut; of each viewer
MONTH = 30 * DAY


class Split(NamedTuple):
    """Protocol N on one data set. `tokens` are of every film of the catalogue, in `catalogue`."""

    tokens: Tokens
    catalogue: Vocab
    cut: float  # unix seconds
    visits: Visits  # those that are asked for
    relevant: RelevantItems
    known_ends: np.ndarray  # int64 [U]: rows up to the cut
    task: Task  # what a model trains and selects on
    task_rows: np.ndarray  # int64 [n + 1]: row of the tokens -> row of the task's tokens
    data_hash: str

    @property
    def targets(self) -> Targets:
        """The moment before each visit, as scorers are asked."""
        return Targets(self.visits.viewers, self.visits.starts)


def make_split(dataset: Dataset, events: pl.DataFrame) -> Split:
    """Splits a data set at its cut. Raises SystemExit where no visit is left to ask for."""
    events = sort_events(events)
    histories = to_histories(events)
    catalogue = Vocab(np.concatenate([dataset.movies["id"].to_numpy(), histories.movie_ids]))
    tokens = tokenise(histories, catalogue)
    cut = float(np.quantile(tokens.times, CUT))
    asked = visits.find_visits_after(tokens, cut)
    relevant = visits.relevant_items(tokens, asked)
    some = np.diff(relevant.indptr) > 0
    asked, relevant = asked.select(some), visits.relevant_items(tokens, asked.select(some))
    if not len(asked.viewers):
        raise SystemExit("Protocol N: nobody comes back after the cut with a film that is new to them.")
    owner = np.repeat(np.arange(len(tokens.indptr) - 1), tokens.lengths())
    known = tokens.indptr[:-1] + np.bincount(owner[tokens.times <= cut], minlength=len(tokens.indptr) - 1)
    task, rows = _training_task(dataset, events, tokens, catalogue, cut, histories)
    return Split(tokens, catalogue, cut, asked, relevant, known, task, rows, data_hash(*histories))


def first_visits(split: Split, most: int) -> Split:
    """Keeps the first visits alone, for a quick look."""
    asked = split.visits.select(np.arange(min(most, len(split.visits.viewers))))
    return split._replace(visits=asked, relevant=visits.relevant_items(split.tokens, asked))


def _training_task(
    dataset: Dataset, events: pl.DataFrame, tokens: Tokens, catalogue: Vocab, cut: float, histories: Any
) -> tuple[Task, np.ndarray]:
    """The model's own tokens: of films with an event up to the cut. It trains up to the selection's window, and the
    first film of each visit in the window selects the epoch."""
    vocab = Vocab(histories.movie_ids[histories.times <= cut])
    own = tokenise(histories, vocab)
    rows = np.append(0, np.cumsum(np.isin(catalogue.movie_ids[tokens.items - 1], vocab.movie_ids)))
    window = float(np.quantile(tokens.times[tokens.times <= cut], SELECTION))
    owner = np.repeat(np.arange(len(own.indptr) - 1), own.lengths())
    ends = own.indptr[:-1] + np.bincount(owner[own.times <= window], minlength=len(own.indptr) - 1)
    selecting = visits.find_visits_after(own, window, until=cut)
    validation = Targets(selecting.viewers, selecting.starts)
    task = Task(own, vocab, movie_features(dataset, vocab), ends, validation, {}, ends, data_hash(*histories))
    return task, rows


# --- what is asked ------------------------------------------------------------------------------------------------


class RollingPopularity:
    """How often each film was watched in the days before the midnight before a visit; films that were not keep the
    order of all times."""

    def __init__(self, tokens: Tokens, films: int, days: int | None) -> None:
        """`days` None: of all times."""
        order = np.argsort(tokens.times, kind="stable")
        self.times, self.items, self.films, self.days = tokens.times[order], tokens.items[order] - 1, films, days
        self._held: dict[int, np.ndarray] = {}

    def __call__(self, tokens: Tokens, targets: Targets) -> np.ndarray:
        days = tokens.times[targets.rows] // DAY
        return np.stack([self.counts_at(int(day) * DAY) for day in days.tolist()])

    def counts_at(self, midnight: int) -> np.ndarray:
        """Counts at a moment, float32 [N]."""
        if midnight not in self._held:
            stop = np.searchsorted(self.times, midnight)
            start = 0 if self.days is None else np.searchsorted(self.times, midnight - self.days * DAY)
            ever = np.bincount(self.items[:stop], minlength=self.films)
            now = np.bincount(self.items[start:stop], minlength=self.films)
            self._held[midnight] = (now + ever / (ever.max(initial=0) + 1)).astype(np.float32)
        return self._held[midnight]


def fit_baselines(split: Split) -> dict[str, tuple[Scorer, float]]:
    """Every baseline by name, with the seconds that it took to fit."""
    films = len(split.catalogue)
    found: dict[str, tuple[Scorer, float]] = {"popularity": (RollingPopularity(split.tokens, films, None), 0.0)}
    found |= {f"popularity_{days}": (RollingPopularity(split.tokens, films, days), 0.0) for days in WINDOWS}
    fits = baseline_fitters(TrainingTokens(split.tokens, split.known_ends, films))
    for name in ("markov", "ease", "recency_ease", "blend"):
        started = time.monotonic()
        score = fits[name]()
        found[name] = score, round(time.monotonic() - started, 2)
    return found


def catalogue_scorer(split: Split, ranker: Ranker, *, live: bool) -> Scorer:
    """The model as a scorer of the whole catalogue. `live`: it is told the visit's first second. Films that it does
    not know come last; viewers of whom it can read nothing get what is popular."""
    columns = split.catalogue.encode(ranker.movie_ids) - 1
    popular = RollingPopularity(split.tokens, len(split.catalogue), None)

    def score(tokens: Tokens, targets: Targets) -> np.ndarray:
        own, rows = split.task.tokens, split.task_rows[targets.rows]
        asked_at = tokens.times[targets.rows] if live else None
        states = ranker.encode_tokens(own, targets.viewers, rows, asked_at)
        known = ranker.scores(states)
        scores = np.repeat(known.min(1, keepdims=True) - 1, len(split.catalogue), axis=1)
        scores[:, columns] = known
        unreadable = np.flatnonzero(rows == own.indptr[targets.viewers])
        if len(unreadable):
            few = Targets(*(column[unreadable] for column in targets))
            scores[unreadable] = popular(tokens, few)
        return scores

    return score


# --- what came of it ----------------------------------------------------------------------------------------------


class VisitRanks(NamedTuple):
    """What one scorer answered."""

    ranks: np.ndarray  # float64 [relevant films]
    lists: np.ndarray  # int64 [visits, 10]


def rank_visits(split: Split, score: Scorer) -> VisitRanks:
    """Ranks the relevant films of every visit."""
    ranks, lists = [], []
    for start in range(0, len(split.visits.viewers), evaluate.CHUNK_SIZE):
        chosen = np.arange(start, min(start + evaluate.CHUNK_SIZE, len(split.visits.viewers)))
        targets = Targets(split.visits.viewers[chosen], split.visits.starts[chosen])
        indptr = split.relevant.indptr[chosen[0] : chosen[-1] + 2]
        part = slice(indptr[0], indptr[-1])
        relevant = RelevantItems(indptr - indptr[0], split.relevant.items[part], split.relevant.liked[part])
        scores = np.array(score(split.tokens, targets), np.float32)
        ranks.append(visits.rank_relevant_items(scores, relevant, evaluate.seen_items(split.tokens, targets)))
        lists.append(np.argsort(-scores, axis=1, kind="stable")[:, :10])
    return VisitRanks(np.concatenate(ranks), np.concatenate(lists))


def visit_metrics(split: Split, asked: VisitRanks) -> dict[str, Any]:
    """The figures of `every` visit and of the `first` of each viewer, of the `liked` films, and by parts."""
    of_first = visits.first_visit_mask(split.visits)
    found: dict[str, Any] = {}
    for name, chosen in (("every", np.ones(len(of_first), bool)), ("first", of_first)):
        kept = np.repeat(chosen, np.diff(split.relevant.indptr))
        found[name] = _summary(split.relevant, asked.ranks, kept)
        found[name]["liked"] = _summary(split.relevant, asked.ranks, kept & split.relevant.liked)
    found["parts"] = {name: _summary(split.relevant, asked.ranks, kept) for name, kept in target_slices(split).items()}
    films = len(split.catalogue)
    watched = np.bincount(split.tokens.items - 1, minlength=films)
    ten = np.argsort(-watched, kind="stable")[:10]
    found["coverage"] = round(beyond_accuracy.coverage(asked.lists, films), 4)
    found["novelty"] = round(beyond_accuracy.novelty(asked.lists, watched, len(split.known_ends)), 2)
    found["top_ten_share"] = round(float(np.isin(asked.lists, ten).mean()), 4)
    return found


def _summary(relevant: RelevantItems, ranks: np.ndarray, kept: np.ndarray) -> dict[str, Any]:
    return visits.summary(ranks[kept], relevant.select(kept))


def target_slices(split: Split) -> dict[str, np.ndarray]:
    """Masks over the relevant films: by what is known of the viewer, by how new the film is in the data, and by how
    long the viewer was away."""
    tokens, asked = split.tokens, split.visits
    counts = np.diff(split.relevant.indptr)
    known = np.repeat(asked.starts - tokens.indptr[asked.viewers], counts)
    away = np.repeat((tokens.times[asked.starts] - tokens.times[asked.starts - 1]) / DAY, counts)
    first_seen = np.full(len(split.catalogue), np.inf)
    np.minimum.at(first_seen, tokens.items - 1, tokens.times)
    fresh = first_seen[split.relevant.items] > np.repeat(tokens.times[asked.starts], counts) - MONTH
    return {
        "history_1_5": known <= 5,
        "history_6_20": (known > 5) & (known <= 20),
        "history_over_20": known > 20,
        "film_under_30_days": fresh,
        "film_older": ~fresh,
        "away_under_a_day": away < 1,
        "away_under_a_week": (away >= 1) & (away < 7),
        "away_longer": away >= 7,
    }


def compare_seeds(split: Split, ours: Sequence[VisitRanks], other: VisitRanks) -> dict[str, list[float]]:
    """Differences of NDCG@10 on the same visits, means over the seeds, each with the bounds of its 95 % interval."""
    of_first = visits.first_visit_mask(split.visits)
    own = np.mean([visits.ndcg(one.ranks, split.relevant) for one in ours], axis=0)
    base = visits.ndcg(other.ranks, split.relevant)
    return {
        name: [round(value, 4) for value in paired_bootstrap(own[kept], base[kept], split.visits.viewers[kept])]
        for name, kept in (("every", np.ones(len(of_first), bool)), ("first", of_first))
    }


def best_baseline(found: Mapping[str, Mapping[str, Any]], test: str) -> str:
    """The baseline with the highest NDCG@10."""
    return max(found, key=lambda name: found[name][test]["ndcg10"])


def measure_next_visit(given: Any, split: Split, shape: Preset, named: dict[str, Any]) -> dict[str, Any]:
    """Asks every baseline and every trained seed; prints the figures as they come and returns the result."""
    found, answers = {}, {}
    for name, (score, fit_s) in fit_baselines(split).items():
        answers[name] = rank_visits(split, score)
        found[name] = visit_metrics(split, answers[name]) | {"fit_s": fit_s}
        print(f"{name}: {found[name]['every']}", flush=True)
    result: dict[str, Any] = {**named, "protocol": "N", "baselines": found, "runs": []}
    stored: list[VisitRanks] = []
    for seed in [] if given.baselines_only else given.seeds:
        run = run_seed(split.task, shape, seed, "unknown", given.checkpoints)
        asked = {live: rank_visits(split, catalogue_scorer(split, run.ranker, live=live)) for live in (False, True)}
        stored.append(asked[False])
        of_live = visit_metrics(split, asked[True])
        of = visit_metrics(split, asked[False])
        for test in TESTS:
            of[test]["live"] = of_live[test]
        result["runs"].append({"seed": seed, "epoch": run.epoch, "train_s": round(run.train_s, 1), **of})
        print(f"seed {seed}: {of['every']}", flush=True)
    best = {test: best_baseline(found, test) for test in TESTS}
    result["best_baseline"] = best
    if stored:
        result |= {test: _mean([run[test] for run in result["runs"]]) for test in TESTS}
        result["over"] = {name: compare_seeds(split, stored, answers[name]) for name in {*best.values(), "blend"}}
        result["train_s"] = float(np.median([run["train_s"] for run in result["runs"]]))
        result["selected_on"] = "NDCG@10 of the first film of the visits before the cut"
    return result


def _mean(of: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean over the seeds of figures in figures."""
    return {
        name: _mean([one[name] for one in of])
        if isinstance(value, Mapping)
        else round(float(np.mean([one[name] for one in of])), 4)
        for name, value in of[0].items()
    }


def table_rows(result: Mapping[str, Any]) -> list[list[object]]:
    """The table to read: NDCG@10 and HR@10 of both tests, recall@50 of every visit."""
    named = {f"{name}": of for name, of in result["baselines"].items()}
    for run in result["runs"]:
        named[f"model as stored, seed {run['seed']}"] = run
        named[f"model live, seed {run['seed']}"] = {test: run[test]["live"] for test in TESTS}
    return [
        [
            name,
            *(f"{of[test][figure]:.4f}" for test in TESTS for figure in ("ndcg10", "hr10")),
            f"{of['every']['recall50']:.4f}",
            f"{of['every']['liked']['ndcg10']:.4f}",
        ]
        for name, of in named.items()
    ]


COLUMNS = ["", "every NDCG@10", "every HR@10", "first NDCG@10", "first HR@10", "every recall@50", "liked NDCG@10"]
