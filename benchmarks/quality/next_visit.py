"""Protocol N: rank the next visit's films, for visits after the 0.9 quantile of all times.

Models and co-occurrence counts stay as they were at the cut. Popularity is updated daily, as in a running system: it
counts up to the midnight (UTC) before the visit. Every film of the catalogue is ranked.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from benchmarks.protocols import Task, feature_names, movie_features, sort_events, to_histories
from benchmarks.quality.seed_runs import run_seed
from catalog.dataset import Dataset
from recommender.ml import beyond_accuracy, evaluate, visits
from recommender.ml.baselines import TrainingTokens, baseline_fitters
from recommender.ml.config import Preset
from recommender.ml.data import Tokens, data_hash, tokenise
from recommender.ml.evaluate import Scorer, Targets
from recommender.ml.metrics import paired_bootstrap
from recommender.ml.popularity import WINDOW_DAYS, DailyPopularity
from recommender.ml.ragged import concatenate_ranges
from recommender.ml.ranker import Ranker
from recommender.ml.visits import DAY, RelevantItems, Visits
from recommender.ml.vocab import Vocab

CUT, SELECTION = 0.9, 0.95  # quantiles: of all times; of the times before the cut, where validation begins
TESTS = ("every", "first")  # every visit after the cut; the first of each viewer
MONTH = 30 * DAY


class Split(NamedTuple):
    """Protocol N on one data set. `tokens` cover every film of `catalogue`."""

    tokens: Tokens
    catalogue: Vocab
    cut: float  # unix seconds
    visits: Visits  # after the cut, with a relevant film
    relevant: RelevantItems
    known_ends: np.ndarray  # int64 [U]: tokens up to the cut
    task: Task  # for training and validation of a model
    task_rows: np.ndarray  # int64 [n + 1]: row of the tokens -> row of the task's tokens
    data_hash: str
    cold_ids: np.ndarray  # int32 [K]: films of the catalogue without an event up to the cut
    cold_features: list[list[str]]  # [K]

    @property
    def targets(self) -> Targets:
        """Return the first token of each visit as the target of the scorers."""
        return Targets(self.visits.viewers, self.visits.starts)


def make_split(dataset: Dataset, events: pl.DataFrame) -> Split:
    """Split a data set at its cut. Raises `SystemExit` where no visit is left to rank."""
    events = sort_events(events)
    histories = to_histories(events)
    catalogue = Vocab(np.concatenate([dataset.movies["id"].to_numpy(), histories.movie_ids]))
    tokens = tokenise(histories, catalogue)
    cut = float(np.quantile(tokens.times, CUT))
    selected = visits.find_visits_after(tokens, cut)
    relevant = visits.relevant_items(tokens, selected)
    has_relevant = np.diff(relevant.indptr) > 0
    selected, relevant = selected.select(has_relevant), visits.relevant_items(tokens, selected.select(has_relevant))
    if not len(selected.viewers):
        raise SystemExit("Protocol N: no viewer comes back after the cut with a film that is new to them.")
    viewer_of_token = np.repeat(np.arange(len(tokens.indptr) - 1), tokens.lengths())
    known_ends = tokens.indptr[:-1] + np.bincount(
        viewer_of_token[tokens.times <= cut], minlength=len(tokens.indptr) - 1
    )
    task, rows = _training_task(dataset, events, tokens, catalogue, cut, histories)
    cold_ids = np.setdiff1d(catalogue.movie_ids, task.vocab.movie_ids)
    hashed, cold_features = data_hash(*histories), feature_names(dataset, cold_ids)
    return Split(tokens, catalogue, cut, selected, relevant, known_ends, task, rows, hashed, cold_ids, cold_features)


def first_visits(split: Split, max_visits: int) -> Split:
    """Return the split with its first visits alone, for a quick run."""
    selected = split.visits.select(np.arange(min(max_visits, len(split.visits.viewers))))
    return split._replace(visits=selected, relevant=visits.relevant_items(split.tokens, selected))


def _training_task(
    dataset: Dataset, events: pl.DataFrame, tokens: Tokens, catalogue: Vocab, cut: float, histories: Any
) -> tuple[Task, np.ndarray]:
    """Return the task of the model, with tokens of films that have an event up to the cut, and for each row of `tokens`
    its row there. Training ends where validation begins; the first film of each visit after that selects the epoch."""
    vocab = Vocab(histories.movie_ids[histories.times <= cut])
    own_tokens = tokenise(histories, vocab)
    rows = np.append(0, np.cumsum(np.isin(catalogue.movie_ids[tokens.items - 1], vocab.movie_ids)))
    window_start = float(np.quantile(tokens.times[tokens.times <= cut], SELECTION))
    viewer_of_token = np.repeat(np.arange(len(own_tokens.indptr) - 1), own_tokens.lengths())
    ends = own_tokens.indptr[:-1] + np.bincount(
        viewer_of_token[own_tokens.times <= window_start], minlength=len(own_tokens.indptr) - 1
    )
    validation_visits = visits.find_visits_after(own_tokens, window_start, until=cut)
    validation = Targets(validation_visits.viewers, validation_visits.starts)
    task = Task(
        own_tokens,
        vocab,
        movie_features(dataset, vocab),
        ends,
        validation,
        {},
        ends,
        data_hash(*histories),
        DailyPopularity.from_tokens(own_tokens, len(vocab)),
        _within_visits(validation_visits),
    )
    return task, rows


def _within_visits(validation: Visits) -> Targets:
    """Return the tokens of visits behind the first of each."""
    rows, indptr = concatenate_ranges(validation.starts + 1, validation.stops)
    return Targets(np.repeat(validation.viewers, np.diff(indptr)), rows)


class RollingPopularity:
    """Scores films by their tokens in the days before the midnight before a visit; films without any keep their order
    by all tokens."""

    def __init__(self, tokens: Tokens, num_items: int, days: int | None) -> None:
        """Count over `days`, or over all times for None."""
        order = np.argsort(tokens.times, kind="stable")
        self.times, self.items, self.num_items, self.days = (
            tokens.times[order],
            tokens.items[order] - 1,
            num_items,
            days,
        )
        self._cached: dict[int, np.ndarray] = {}

    def __call__(self, tokens: Tokens, targets: Targets) -> np.ndarray:
        days = tokens.times[targets.rows] // DAY
        return np.stack([self.counts_at(int(day) * DAY) for day in days.tolist()])

    def counts_at(self, midnight: int) -> np.ndarray:
        """Return the scores at a midnight, float32 [N]."""
        if midnight not in self._cached:
            stop = np.searchsorted(self.times, midnight)
            start = 0 if self.days is None else np.searchsorted(self.times, midnight - self.days * DAY)
            ever = np.bincount(self.items[:stop], minlength=self.num_items)
            now = np.bincount(self.items[start:stop], minlength=self.num_items)
            self._cached[midnight] = (now + ever / (ever.max(initial=0) + 1)).astype(np.float32)
        return self._cached[midnight]


def fit_baselines(split: Split) -> dict[str, tuple[Scorer, float]]:
    """Fit every baseline; return it with the seconds that took, by name."""
    num_items = len(split.catalogue)
    fitted: dict[str, tuple[Scorer, float]] = {"popularity": (RollingPopularity(split.tokens, num_items, None), 0.0)}
    fitted |= {f"popularity_{days}": (RollingPopularity(split.tokens, num_items, days), 0.0) for days in WINDOW_DAYS}
    fits = baseline_fitters(TrainingTokens(split.tokens, split.known_ends, num_items))
    for name in ("markov", "ease", "recency_ease", "blend"):
        started = time.monotonic()
        score = fits[name]()
        fitted[name] = score, round(time.monotonic() - started, 2)
    return fitted


def catalogue_scorer(split: Split, ranker: Ranker, *, live: bool) -> Scorer:
    """Return the ranker as a scorer of the whole catalogue. `live` gives it the visit's first second as request time.
    Films that came after its training are ranked by their metadata and their watches; viewers without a known film get
    popular films."""
    columns = split.catalogue.encode(ranker.movie_ids) - 1
    daily = DailyPopularity.from_tokens(split.tokens, len(split.catalogue))
    popular = RollingPopularity(split.tokens, len(split.catalogue), None)
    cold_items = ranker.cold_items(split.cold_ids, split.cold_features)
    cold_columns = split.catalogue.encode(cold_items.movie_ids) - 1

    def score(tokens: Tokens, targets: Targets) -> np.ndarray:
        own_tokens, rows = split.task.tokens, split.task_rows[targets.rows]
        asked_at = tokens.times[targets.rows] if live else None
        states = ranker.encode_tokens(own_tokens, targets.viewers, rows, asked_at)
        scores = np.empty((len(states), len(split.catalogue)), np.float32)
        for asked, then in evaluate.by_day(ranker, daily, split.catalogue.movie_ids, tokens.times[targets.rows]):
            known_scores = then.scores(states[asked])
            scores[asked] = known_scores.min(1, keepdims=True) - 1
            scores[np.ix_(asked, columns)] = known_scores
            scores[np.ix_(asked, cold_columns)] = then.cold_scores(states[asked], cold_items)
        unreadable = np.flatnonzero(rows == own_tokens.indptr[targets.viewers])
        if len(unreadable):
            unreadable_targets = Targets(*(column[unreadable] for column in targets))
            scores[unreadable] = popular(tokens, unreadable_targets)
        return scores

    return score


class VisitRanks(NamedTuple):
    """Ranks and lists of one scorer."""

    ranks: np.ndarray  # float64 [relevant films]
    lists: np.ndarray  # int64 [visits, 10]


def rank_visits(split: Split, score: Scorer) -> VisitRanks:
    """Rank the relevant films of every visit."""
    ranks, lists = [], []
    for start in range(0, len(split.visits.viewers), evaluate.CHUNK_SIZE):
        indices = np.arange(start, min(start + evaluate.CHUNK_SIZE, len(split.visits.viewers)))
        targets = Targets(split.visits.viewers[indices], split.visits.starts[indices])
        indptr = split.relevant.indptr[indices[0] : indices[-1] + 2]
        part = slice(indptr[0], indptr[-1])
        relevant = RelevantItems(indptr - indptr[0], split.relevant.items[part], split.relevant.liked[part])
        scores = np.array(score(split.tokens, targets), np.float32)
        ranks.append(visits.rank_relevant_items(scores, relevant, evaluate.seen_items(split.tokens, targets)))
        lists.append(np.argsort(-scores, axis=1, kind="stable")[:, :10])
    return VisitRanks(np.concatenate(ranks), np.concatenate(lists))


def visit_metrics(split: Split, ranked: VisitRanks) -> dict[str, Any]:
    """Return the metrics of `every` visit and of the `first` of each viewer, of the `liked` films, and by slices."""
    is_first = visits.first_visit_mask(split.visits)
    result: dict[str, Any] = {}
    for name, keep in (("every", np.ones(len(is_first), bool)), ("first", is_first)):
        keep_items = np.repeat(keep, np.diff(split.relevant.indptr))
        result[name] = _summary(split.relevant, ranked.ranks, keep_items)
        result[name]["liked"] = _summary(split.relevant, ranked.ranks, keep_items & split.relevant.liked)
    result["parts"] = {
        name: _summary(split.relevant, ranked.ranks, keep_items) for name, keep_items in target_slices(split).items()
    }
    num_items = len(split.catalogue)
    watched = np.bincount(split.tokens.items - 1, minlength=num_items)
    top_ten = np.argsort(-watched, kind="stable")[:10]
    result["coverage"] = round(beyond_accuracy.coverage(ranked.lists, num_items), 4)
    result["novelty"] = round(beyond_accuracy.novelty(ranked.lists, watched, len(split.known_ends)), 2)
    result["top_ten_share"] = round(float(np.isin(ranked.lists, top_ten).mean()), 4)
    return result


def _summary(relevant: RelevantItems, ranks: np.ndarray, keep: np.ndarray) -> dict[str, Any]:
    return visits.summary(ranks[keep], relevant.select(keep))


def target_slices(split: Split) -> dict[str, np.ndarray]:
    """Return masks over the relevant films: by the length of the history, by how new the film is in the data, and by
    how long the viewer was away."""
    tokens, selected = split.tokens, split.visits
    counts = np.diff(split.relevant.indptr)
    history_lengths = np.repeat(selected.starts - tokens.indptr[selected.viewers], counts)
    days_away = np.repeat((tokens.times[selected.starts] - tokens.times[selected.starts - 1]) / DAY, counts)
    first_seen = np.full(len(split.catalogue), np.inf)
    np.minimum.at(first_seen, tokens.items - 1, tokens.times)
    is_new = first_seen[split.relevant.items] > np.repeat(tokens.times[selected.starts], counts) - MONTH
    return {
        "history_1_5": history_lengths <= 5,
        "history_6_20": (history_lengths > 5) & (history_lengths <= 20),
        "history_over_20": history_lengths > 20,
        "film_under_30_days": is_new,
        "film_older": ~is_new,
        "away_under_a_day": days_away < 1,
        "away_under_a_week": (days_away >= 1) & (days_away < 7),
        "away_longer": days_away >= 7,
    }


def compare_seeds(split: Split, seed_ranks: Sequence[VisitRanks], baseline: VisitRanks) -> dict[str, list[float]]:
    """Return the differences of NDCG@10 on the same visits, means over the seeds, each with its 95 % interval."""
    is_first = visits.first_visit_mask(split.visits)
    seed_mean = np.mean([visits.ndcg(ranked.ranks, split.relevant) for ranked in seed_ranks], axis=0)
    base = visits.ndcg(baseline.ranks, split.relevant)
    return {
        name: [round(value, 4) for value in paired_bootstrap(seed_mean[keep], base[keep], split.visits.viewers[keep])]
        for name, keep in (("every", np.ones(len(is_first), bool)), ("first", is_first))
    }


def best_baseline(metrics: Mapping[str, Mapping[str, Any]], test: str) -> str:
    """Return the name of the baseline with the highest NDCG@10."""
    return max(metrics, key=lambda name: metrics[name][test]["ndcg10"])


def measure_next_visit(args: Any, split: Split, preset: Preset, description: dict[str, Any]) -> dict[str, Any]:
    """Rank with every baseline and every trained seed, printing metrics on the way, and return the result."""
    baseline_metrics, baseline_ranks = {}, {}
    for name, (score, fit_s) in fit_baselines(split).items():
        baseline_ranks[name] = rank_visits(split, score)
        baseline_metrics[name] = visit_metrics(split, baseline_ranks[name]) | {"fit_s": fit_s}
        print(f"{name}: {baseline_metrics[name]['every']}", flush=True)
    result: dict[str, Any] = {**description, "protocol": "N", "baselines": baseline_metrics, "runs": []}
    stored: list[VisitRanks] = []
    for seed in [] if args.baselines_only else args.seeds:
        run = run_seed(split.task, preset, seed, "unknown", args.checkpoints)
        by_mode = {live: rank_visits(split, catalogue_scorer(split, run.ranker, live=live)) for live in (False, True)}
        stored.append(by_mode[False])
        live_metrics = visit_metrics(split, by_mode[True])
        metrics = visit_metrics(split, by_mode[False])
        for test in TESTS:
            metrics[test]["live"] = live_metrics[test]
        result["runs"].append({"seed": seed, "epoch": run.epoch, "train_s": round(run.train_s, 1), **metrics})
        print(f"seed {seed}: {metrics['every']}", flush=True)
    best_names = {test: best_baseline(baseline_metrics, test) for test in TESTS}
    result["best_baseline"] = best_names
    if stored:
        result |= {test: _mean([run[test] for run in result["runs"]]) for test in TESTS}
        result["over"] = {
            name: compare_seeds(split, stored, baseline_ranks[name]) for name in {*best_names.values(), "blend"}
        }
        result["train_s"] = float(np.median([run["train_s"] for run in result["runs"]]))
        result["selected_on"] = "NDCG@10 of the first film of the visits before the cut"
    return result


def _mean(seeds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the mean over the seeds of nested metrics."""
    return {
        name: _mean([seed[name] for seed in seeds])
        if isinstance(value, Mapping)
        else round(float(np.mean([seed[name] for seed in seeds])), 4)
        for name, value in seeds[0].items()
    }


def table_rows(result: Mapping[str, Any]) -> list[list[object]]:
    """Return the rows of the report: NDCG@10 and HR@10 of both tests, recall@50 of every visit."""
    by_name = {f"{name}": metrics for name, metrics in result["baselines"].items()}
    for run in result["runs"]:
        by_name[f"model as stored, seed {run['seed']}"] = run
        by_name[f"model live, seed {run['seed']}"] = {test: run[test]["live"] for test in TESTS}
    return [
        [
            name,
            *(f"{metrics[test][figure]:.4f}" for test in TESTS for figure in ("ndcg10", "hr10")),
            f"{metrics['every']['recall50']:.4f}",
            f"{metrics['every']['liked']['ndcg10']:.4f}",
        ]
        for name, metrics in by_name.items()
    ]


COLUMNS = ["", "every NDCG@10", "every HR@10", "first NDCG@10", "first HR@10", "every recall@50", "liked NDCG@10"]
