"""Protocol N: rank the next visit's films, for visits after the 0.9 quantile of all times.

Models and co-occurrence counts stay as they were at the cut. Popularity is updated daily, as in a running system: it
counts up to the midnight (UTC) before the visit. Every film of the catalogue is ranked.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from benchmarks.protocols import Task, feature_names, movie_features, sort_events, to_histories
from benchmarks.quality.trending_chart import TrendingChart
from catalog.dataset import Dataset
from recommender.ml import beyond_accuracy, evaluate, visits
from recommender.ml.baselines import baseline_fitters
from recommender.ml.data import Histories, Tokens, data_hash, tokenise
from recommender.ml.evaluate import Scorer, Targets
from recommender.ml.metrics import paired_bootstrap
from recommender.ml.popularity import WINDOW_DAYS, DailyPopularity
from recommender.ml.ranker import Ranker
from recommender.ml.training_tokens import TrainingTokens
from recommender.ml.visits import DAY, RelevantItems, Visits
from recommender.ml.vocab import Vocab

CUT, SELECTION = 0.9, 0.95  # quantiles: of all times; of the times before the cut, where validation begins
MONTH = 30 * DAY
LIST_LENGTH = 10


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
    histories: Histories  # the rows of `tokens`
    popularity: DailyPopularity  # of the catalogue's films

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
    popularity = DailyPopularity.from_tokens(tokens, len(catalogue))
    about_cold = hashed, cold_ids, cold_features
    return Split(tokens, catalogue, cut, selected, relevant, known_ends, task, rows, *about_cold, histories, popularity)


def first_visits(split: Split, max_visits: int) -> Split:
    """Return the split with its first visits alone, for a quick run."""
    selected = split.visits.select(np.arange(min(max_visits, len(split.visits.viewers))))
    return split._replace(visits=selected, relevant=visits.relevant_items(split.tokens, selected))


def _training_task(
    dataset: Dataset, events: pl.DataFrame, tokens: Tokens, catalogue: Vocab, cut: float, histories: Histories
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
        validation_visits,
    )
    return task, rows


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
    fitted["trending"] = TrendingChart(split.tokens, num_items), 0.0
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
    popular = RollingPopularity(split.tokens, len(split.catalogue), None)
    cold_items = ranker.cold_items(split.cold_ids, split.cold_features)
    cold_columns = split.catalogue.encode(cold_items.movie_ids) - 1

    def score(tokens: Tokens, targets: Targets) -> np.ndarray:
        own_tokens, rows = split.task.tokens, split.task_rows[targets.rows]
        times, movie_ids = tokens.times[targets.rows], split.catalogue.movie_ids
        states = ranker.encode_tokens(own_tokens, targets.viewers, rows, times if live else None)
        scores = np.empty((len(states), len(split.catalogue)), np.float32)
        for asked, then in evaluate.by_day(ranker, split.popularity, movie_ids, times):
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
    lists: np.ndarray  # int64 [visits, length]


def rank_visits(split: Split, score: Scorer, length: int = LIST_LENGTH) -> VisitRanks:
    """Rank the relevant films of every visit, and list the best `length` films."""
    ranks, lists = [], []
    for start in range(0, len(split.visits.viewers), evaluate.CHUNK_SIZE):
        indices = np.arange(start, min(start + evaluate.CHUNK_SIZE, len(split.visits.viewers)))
        targets = Targets(split.visits.viewers[indices], split.visits.starts[indices])
        indptr = split.relevant.indptr[indices[0] : indices[-1] + 2]
        part = slice(indptr[0], indptr[-1])
        relevant = RelevantItems(indptr - indptr[0], split.relevant.items[part], split.relevant.liked[part])
        scores = np.array(score(split.tokens, targets), np.float32)
        ranks.append(visits.rank_relevant_items(scores, relevant, evaluate.seen_items(split.tokens, targets)))
        lists.append(_best_columns(scores, min(length, scores.shape[1])))
    return VisitRanks(np.concatenate(ranks), np.concatenate(lists))


def _best_columns(scores: np.ndarray, length: int) -> np.ndarray:
    """Return the columns of the highest scores of each row, best first, equal ones in their order: int64 [n, length].
    Sorting whole rows would take most of the time of a measurement."""
    last = -np.partition(-scores, length - 1, axis=1)[:, length - 1]
    best = np.empty((len(scores), length), np.int64)
    for own, row, lowest in zip(best, scores, last, strict=True):
        candidates = np.flatnonzero(row >= lowest)
        own[:] = candidates[np.argsort(-row[candidates], kind="stable")[:length]]
    return best


def test_masks(split: Split) -> dict[str, np.ndarray]:
    """Return the tests as masks over the visits: `every`, and the `first` after the cut of each viewer."""
    is_first = visits.first_visit_mask(split.visits)
    return {"every": np.ones(len(is_first), bool), "first": is_first}


def visit_metrics(split: Split, ranked: VisitRanks) -> dict[str, Any]:
    """Return the metrics of `every` visit and of the `first` of each viewer, of the `liked` films, and by slices."""
    result: dict[str, Any] = {}
    for name, keep in test_masks(split).items():
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


def ndcg_difference(split: Split, lists: Sequence[VisitRanks], base: VisitRanks) -> dict[str, Any]:
    """Return the difference of NDCG@10 from `base` on the same visits, of the mean over `lists` and by test, each with
    its 95 % interval over the viewers; of all films and of the `liked` ones."""
    result: dict[str, Any] = {}
    for name, keep_items in (("all", np.ones(len(base.ranks), bool)), ("liked", split.relevant.liked)):
        relevant = split.relevant.select(keep_items)
        own = np.mean([visits.ndcg(ranked.ranks[keep_items], relevant) for ranked in lists], axis=0)
        other = visits.ndcg(base.ranks[keep_items], relevant)
        for test, mask in test_masks(split).items():
            keep = mask & np.isfinite(other)
            if not keep.any():
                continue
            interval = paired_bootstrap(own[keep], other[keep], split.visits.viewers[keep])
            result.setdefault(test, {})[name] = [round(value, 4) for value in interval]
    return result


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
