"""`./run bench quality --similar`: do similar films agree with what people call alike?

Two yardsticks, as the area under the ROC curve (AUC: how often the more similar of two pairs is the one that is alike).
**By hand**: well-known pairs that a person judged, alike and not, in halves by film: weights that were chosen on the
first half are told by the second. **Liked**: pairs of
films that the same people liked in different visits more often than their popularity explains, beside pairs of like
popularity and years. The weights that a logistic regression gives the signals on the liked pairs are printed."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch

from benchmarks.protocols import sort_events, to_histories
from benchmarks.report import print_report
from catalog.dataset import Dataset
from catalog.selectors import CatalogueTable
from recommender.ml import visits
from recommender.ml.co_liking import fit_co_liking
from recommender.ml.data import Tokens, tokenise
from recommender.ml.vocab import Vocab
from recommender.movies import text_vectors
from recommender.movies.content_similarity import SIGNALS, WEIGHTS
from recommender.movies.neighbours import LIKED_WEIGHT
from recommender.movies.snapshot import CatalogueSnapshot

FILM_PAIRS = Path(__file__).parents[2] / "tests" / "support" / "film_pairs.txt"
MIN_LIKES = 20  # of a film of liked pairs
NEIGHBOURS, NEGATIVES, RANK_DISTANCE = 5, 3, 25  # pairs of each film, beside each of them; places by popularity
SMOOTHING = 0.1  # of the mean expectation, added to both sides of a lift
RIDGE = 1e-4
YEAR_GAPS = (2, 5, 11)  # years apart: bounds of the groups within which the balanced AUC compares pairs


class FilmPairs(NamedTuple):
    """Pairs of rows of a catalogue, and which of them are alike."""

    rows: np.ndarray  # int64 [n]
    others: np.ndarray  # int64 [n]
    alike: np.ndarray  # bool [n]
    group: np.ndarray  # int64 [n]: pairs of one film have one number


def measure_similar(
    args: argparse.Namespace, dataset: Dataset, events: pl.DataFrame, description: dict[str, Any]
) -> None:
    """Measure the signals and their sum, and print the report."""
    snapshot = catalogue_of(dataset)
    text_vectors.adopt(text_vectors.vectors_from(0, 1, snapshot.table.ids, terms_of(dataset)))
    by_hand, liked = read_film_pairs(snapshot.table, FILM_PAIRS), liked_pairs(snapshot.table, events)
    hand_signals, liked_signals = pair_signals(snapshot, by_hand), pair_signals(snapshot, liked)
    fitted = fit_weights(liked_signals, liked.alike) if len(liked.rows) else {}
    together = co_liking_of(snapshot.table, events, by_hand)
    scores = {**hand_signals, "co-liking": together}
    scores["content"] = weighted(hand_signals, WEIGHTS)
    scores |= {"today": scores["content"] + LIKED_WEIGHT * together, "fitted": weighted(hand_signals, fitted)}
    # A film's co-liking tells nothing of pairs that were found by it: it is left out there.
    liked_scores = {**liked_signals, "co-liking": np.zeros(len(liked.rows))}
    liked_scores["content"] = liked_scores["today"] = weighted(liked_signals, WEIGHTS)
    liked_scores["fitted"] = weighted(liked_signals, fitted)
    gaps = np.abs(snapshot.table.year[by_hand.rows].astype(int) - snapshot.table.year[by_hand.others])
    result: dict[str, Any] = {**description, "parameters": len(WEIGHTS), "movies": len(snapshot.table.ids)}
    result |= {"pairs": len(by_hand.rows), "alike": int(by_hand.alike.sum()), "liked_pairs": int(liked.alike.sum())}
    halves = [by_hand.group % 2 == parity for parity in (0, 1)]
    result["auc"] = {
        name: {
            "by_hand": _rounded(auc(values, by_hand.alike)),
            "halves": [_rounded(auc(values[half], by_hand.alike[half])) for half in halves],
            "same_years_apart": _rounded(balanced_auc(values, by_hand.alike, gaps)),
            "liked": _rounded(auc(liked_scores[name], liked.alike)),
        }
        for name, values in scores.items()
    }
    weights = {**WEIGHTS, "co-liking": LIKED_WEIGHT}
    result["weights"], result["fitted"] = weights, fitted
    columns = ["AUC", "by hand", "first half", "second half", "same years apart", "liked pairs", "weight", "fitted"]
    rows = [
        [name, *map(_shown, _flat(of.values())), weights.get(name, ""), fitted.get(name, "")]
        for name, of in result["auc"].items()
    ]
    print_report(f"Similar films, {dataset.name}: {len(by_hand.rows):,} pairs by hand", columns, rows, result)


def _flat(values: Iterable[Any]) -> list[float | None]:
    return [number for value in values for number in (value if isinstance(value, list) else [value])]


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)


def catalogue_of(dataset: Dataset) -> CatalogueSnapshot:
    """Return the catalogue of a data set as serving holds it, without a database."""
    movies = dataset.movies.sort("id")
    ids, count = movies["id"].to_numpy(), len(movies)
    genre_names, person_names = (sorted(set(names)) for names in (dataset.genres["name"], dataset.credits["person"]))
    genres = dataset.genres.filter(pl.col("movie").is_in(ids.tolist())).sort("movie", "name")
    credits = dataset.credits.filter(pl.col("movie").is_in(ids.tolist())).sort("movie", "role", "order")
    zeros, numbers = np.zeros(count, np.int64), {name: n for n, name in enumerate(person_names)}
    return CatalogueSnapshot(
        CatalogueTable(
            version=1,
            ids=ids,
            published=np.ones(count, bool),
            available_from=zeros,
            available_until=zeros,
            added_at=zeros,
            year=movies["year"].fill_null(0).to_numpy(),
            runtime=np.zeros(count, np.int16),
            certificate=np.zeros(count, np.int16),
            age=np.zeros(count, np.int8),
            language=np.zeros(count, np.int16),
            genre_start=_starts(genres["movie"], ids),
            genre_of=np.searchsorted(genre_names, genres["name"].to_numpy()).astype(np.int16),
            credit_start=_starts(credits["movie"], ids),
            credit_person=np.array([numbers[name] for name in credits["person"]], np.int32),
            credit_role=credits["role"].to_numpy().astype(np.int8),
            certificates=[""],
            languages=[""],
            genre_names=genre_names,
            person_names=person_names,
            person_ids=np.arange(len(person_names), dtype=np.int32),
            titles=movies["title"].to_list(),
            imdb=zeros,
            tmdb=zeros,
        )
    )


def _starts(movies: pl.Series, ids: np.ndarray) -> np.ndarray:
    return np.append(np.searchsorted(movies.to_numpy(), ids), len(movies)).astype(np.int32)


def terms_of(dataset: Dataset) -> list[dict[str, float]]:
    """Return the words of each movie's overview and tags, by id."""
    tags: dict[int, list[tuple[str, int]]] = {}
    for movie_id, name, viewers in dataset.tags.select("movie", "name", "count").iter_rows():
        tags.setdefault(movie_id, []).append((name, viewers))
    overviews = dataset.movies.sort("id").select("id", pl.col("overview").fill_null(""))
    return [text_vectors.count_terms(text, tags.get(movie_id, ())) for movie_id, text in overviews.iter_rows()]


def read_film_pairs(table: CatalogueTable, path: Path) -> FilmPairs:
    """Read pairs by hand: a line a film, ` | = ` before one that is like it, ` | ! ` before one that is not, MovieLens'
    id before each title. Pairs of films that the catalogue has not are left out."""
    judged = []
    for group, line in enumerate(path.read_text().splitlines()):
        film, *others = line.split(" | ")
        judged += [(int(film.split()[0]), int(other.split()[1]), other[0] == "=", group) for other in others]
    films, other_films, alike, groups = (np.array(column) for column in zip(*judged, strict=True))
    pairs = FilmPairs(table.rows_of(films), table.rows_of(other_films), alike, groups)
    return FilmPairs(*(column[(pairs.rows >= 0) & (pairs.others >= 0)] for column in pairs))


def liked_pairs(table: CatalogueTable, events: pl.DataFrame) -> FilmPairs:
    """Find for each film those that the same people liked in other visits more than popularity explains, and beside
    each some of like popularity and year."""
    histories = to_histories(sort_events(events))
    tokens = tokenise(histories, Vocab(table.ids))
    excess, likes = _lifts(tokens, len(table.ids))
    films = np.flatnonzero(likes >= MIN_LIKES)
    if len(films) <= NEIGHBOURS:
        return FilmPairs(*(np.empty(0, dtype) for dtype in (np.int64, np.int64, bool, np.int64)))
    best = np.argsort(-excess, axis=1, kind="stable")[:, :NEIGHBOURS]
    rows, others = np.repeat(films, NEIGHBOURS), films[best.ravel()]
    positive = np.take_along_axis(excess, best, 1).ravel() > 0
    rows, others = rows[positive], others[positive]
    by_popularity = films[np.argsort(likes[films], kind="stable")]
    place = np.empty(len(table.ids), np.int64)
    place[by_popularity] = np.arange(len(films))
    negative_rows = np.repeat(rows, NEGATIVES)
    near = place[others][:, None] + np.arange(-RANK_DISTANCE, RANK_DISTANCE + 1)
    near = by_popularity[np.clip(near, 0, len(films) - 1)]
    years = table.year.astype(np.int64)
    apart = np.abs(years[near] - years[others][:, None]) + 1_000 * (near == others[:, None])
    of_like_years = np.argsort(apart, axis=1, kind="stable")[:, :NEGATIVES]
    negatives = np.take_along_axis(near, of_like_years, 1).ravel()
    liked = set(zip(rows.tolist(), others.tolist(), strict=True))
    keep = np.array(
        [row != other and (row, other) not in liked for row, other in zip(negative_rows, negatives, strict=True)], bool
    )
    all_rows = np.concatenate([rows, negative_rows[keep]])
    all_others = np.concatenate([others, negatives[keep]])
    return FilmPairs(all_rows, all_others, np.arange(len(all_rows)) < len(rows), all_rows)


def _lifts(tokens: Tokens, num_items: int) -> tuple[np.ndarray, np.ndarray]:
    """Return by how much, as a logarithm, more people liked two films in different visits than popularity explains,
    [K, K] over the films with MIN_LIKES, -inf on the diagonal; and the likes of every film, int64 [num_items]."""
    liked = (tokens.stars == 0) | (tokens.stars >= 8)
    likes = np.bincount(tokens.items[liked] - 1, minlength=num_items)
    films = np.flatnonzero(likes >= MIN_LIKES)
    column = np.full(num_items, -1)
    column[films] = np.arange(len(films))
    liked &= column[tokens.items - 1] >= 0
    counts = np.zeros((len(films), len(films)))
    found = visits.find_visits(tokens)
    visit = np.repeat(np.arange(len(found.starts)), found.stops - found.starts)
    for viewer in range(len(tokens.indptr) - 1):
        own = np.arange(tokens.indptr[viewer], tokens.indptr[viewer + 1])
        own = own[liked[own]]
        if len(own) < 2 or visit[own[0]] == visit[own[-1]]:
            continue
        columns = column[tokens.items[own] - 1]
        weights = (visit[own][:, None] != visit[own]) / np.sqrt(len(own))  # a long history says less of each pair
        np.add.at(counts, (columns[:, None], columns), weights)
    expected = np.outer(counts.sum(1), counts.sum(0)) / max(counts.sum(), 1e-9)
    smoothing = SMOOTHING * max(float(expected.mean()), 1e-9) if len(films) else 1.0
    lifts = np.log((counts + smoothing) / (expected + smoothing))
    np.fill_diagonal(lifts, -np.inf)
    return lifts, likes


def co_liking_of(table: CatalogueTable, events: pl.DataFrame, pairs: FilmPairs) -> np.ndarray:
    """Return by how much more often than expected the same people liked the two films of a pair in different visits, as
    a model's folder has it: float64 [n]."""
    tokens = tokenise(to_histories(sort_events(events)), Vocab(table.ids))
    liked, lifts = fit_co_liking(tokens, table.year), np.zeros(len(pairs.rows))
    for pair, (row, other) in enumerate(zip(pairs.rows.tolist(), pairs.others.tolist(), strict=True)):
        own = slice(*liked.starts[row : row + 2].tolist())
        lifts[pair] = liked.lifts[own][liked.columns[own] == other].sum()
    return lifts


def pair_signals(snapshot: CatalogueSnapshot, pairs: FilmPairs) -> dict[str, np.ndarray]:
    """Return the signals of the pairs by name, each float64 [n]."""
    values = {name: np.zeros(len(pairs.rows)) for name in SIGNALS}
    for row in np.unique(pairs.rows).tolist():
        own = np.flatnonzero(pairs.rows == row)
        for name, signal in SIGNALS.items():
            shared = signal(snapshot, np.array([row]), pairs.others[own])
            if shared is not None:
                values[name][own] = shared[0]
    return values


def weighted(signals: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """Return the weighted sum of the signals; one without a weight counts as 0."""
    return np.asarray(sum(weights.get(name, 0.0) * values for name, values in signals.items()))


def fit_weights(signals: Mapping[str, np.ndarray], alike: np.ndarray) -> dict[str, float]:
    """Fit the signals' weights, none below 0, and an intercept by logistic regression; a signal that the data has not
    gets none."""
    names = [name for name, values in signals.items() if values.any()]
    inputs = torch.from_numpy(np.stack([signals[name] for name in names], 1))
    targets = torch.from_numpy(alike.astype(np.float64))
    parameters = torch.full((len(names) + 1,), 0.1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([parameters], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        weights = parameters[1:].abs()
        logits = inputs @ weights + parameters[0]
        value = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets) + RIDGE * (weights**2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    return {name: round(float(weight), 3) for name, weight in zip(names, parameters.detach()[1:].abs(), strict=True)}


def auc(scores: np.ndarray, alike: np.ndarray) -> float:
    """Return the share of pairs of an alike and another in which the alike one has the higher score; ties count half.
    NaN without one of both."""
    ordered = np.sort(scores[~alike])
    if not len(ordered) or not alike.any():
        return float("nan")
    wins = np.searchsorted(ordered, scores[alike]) + np.searchsorted(ordered, scores[alike], side="right")
    return float(wins.mean() / 2 / len(ordered))


def balanced_auc(scores: np.ndarray, alike: np.ndarray, years_apart: np.ndarray) -> float:
    """Return the AUC among pairs whose films lie as many years apart, so that nearness in time explains none of it."""
    groups = np.digitize(years_apart, YEAR_GAPS)
    parts: Sequence[tuple[float, int]] = [
        (auc(scores[groups == g], alike[groups == g]), int(alike[groups == g].sum() * (~alike[groups == g]).sum()))
        for g in range(len(YEAR_GAPS) + 1)
    ]
    total = sum(size for _, size in parts)
    return sum(value * size for value, size in parts if size) / total if total else float("nan")
