"""Read MovieLens files as tasks of the evaluation protocols P1, A and P2 (see docs/quality.md)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from catalog.dataset import ACTOR, DIRECTOR, EVENTS, RATING, Dataset
from catalog.movielens import read_movielens
from recommender.ml.data import Events, Histories, Tokens, data_hash, tokenise
from recommender.ml.evaluate import Targets, leave_one_out, time_split
from recommender.ml.features import Features, build_features
from recommender.ml.popularity import DailyPopularity
from recommender.ml.visits import Visits
from recommender.ml.vocab import Vocab

MIN_INTERACTIONS = 5  # of a viewer and of a film in P2
PUBLISHED_SIZES = {"ml-1m": (6_040, 3_706, 1_000_209)}  # viewers, films and ratings


class Task(NamedTuple):
    """The data that a protocol trains on, and the targets that it measures."""

    tokens: Tokens
    vocab: Vocab
    features: Features
    ends: np.ndarray  # int64 [U]
    validation: Targets
    tests: dict[str, Targets]  # by name in the report
    baseline_ends: np.ndarray  # int64 [U]: tokens that the closed-form baselines learn from
    data_hash: str
    popularity: DailyPopularity | None = None  # what is known of it at a target; None: nothing, as without times
    validation_visits: Visits | None = None  # whose first tokens validation has; None: each token alone


def training_events(task: Task) -> int:
    """Count the events that a task trains on: its preset follows from them."""
    return int((task.ends - task.tokens.indptr[:-1]).sum())


def read_events(data: Path, people: Path | None, one_viewer_in: int = 1) -> tuple[Dataset, pl.DataFrame]:
    """Read a data set and all its events, or those of one viewer in so many; of a catalogue alone there are none."""
    dataset = read_movielens(data, people)
    events = pl.concat([pl.DataFrame(schema=EVENTS), *dataset.events])
    if one_viewer_in == 1:
        return dataset, events
    smaller = replace(dataset, name=f"{dataset.name}-1-in-{one_viewer_in}", events=())
    return smaller, events.filter(pl.col("viewer") % one_viewer_in == 0)


def make_task(name: str, dataset: Dataset, events: pl.DataFrame, data: Path) -> Task:
    """Return the task of protocol `name`: P1, A or P2."""
    makers: dict[str, Callable[[], Task]] = {
        "P1": lambda: _leave_one_out(dataset, sort_events(_check_complete(dataset.name, events)), timed=True),
        "A": lambda: _leave_one_out(dataset, _sasrec_order(events, data), timed=False),
        "P2": lambda: _time_split(dataset, five_core(sort_events(events))),
    }
    return makers[name]()


def sort_events(events: pl.DataFrame) -> pl.DataFrame:
    """Sort by viewer and time; equal times stay in the order of the file."""
    return events.sort("viewer", "occurred_at", maintain_order=True)


def _check_complete(name: str, events: pl.DataFrame) -> pl.DataFrame:
    """Return the events. Raises `SystemExit` where a published set is incomplete: results could not be compared."""
    sizes = (events["viewer"].n_unique(), events["movie"].n_unique(), len(events))
    if sizes != PUBLISHED_SIZES.get(name, sizes):
        raise SystemExit(f"{name} has {PUBLISHED_SIZES[name]} viewers, films and ratings; found {sizes}.")
    return events


def _leave_one_out(dataset: Dataset, events: pl.DataFrame, *, timed: bool) -> Task:
    tokens, vocab, histories = _tokens(events, timed)
    split = leave_one_out(tokens)
    # Closed-form baselines select nothing on validation, so they learn from all but the test.
    return Task(
        tokens,
        vocab,
        movie_features(dataset, vocab),
        split.ends,
        split.validation,
        {"test": split.test},
        np.where(tokens.lengths() >= 3, tokens.indptr[1:] - 1, tokens.indptr[1:]),
        data_hash(*histories),
        DailyPopularity.from_tokens(tokens, len(vocab), split.ends) if timed else None,
    )


def _time_split(dataset: Dataset, events: pl.DataFrame) -> Task:
    cut = np.quantile(events["occurred_at"].to_numpy(), 0.9)
    known_movies = events.filter(pl.col("occurred_at") <= cut)["movie"].unique()
    tokens, vocab, histories = _tokens(events.filter(pl.col("movie").is_in(known_movies.implode())), timed=True)
    split = time_split(tokens, float(cut))
    tests = {"last": split.last, "successive": split.successive}
    features = movie_features(dataset, vocab)
    popularity = DailyPopularity.from_tokens(tokens, len(vocab), split.known_ends)
    hashed = data_hash(*histories)
    return Task(tokens, vocab, features, split.ends, split.validation, tests, split.known_ends, hashed, popularity)


def _tokens(events: pl.DataFrame, timed: bool) -> tuple[Tokens, Vocab, Histories]:
    histories = to_histories(events, timed=timed)
    vocab = Vocab(histories.movie_ids)
    return tokenise(histories, vocab), vocab, histories


def to_histories(events: pl.DataFrame, *, timed: bool = True) -> Histories:
    """Return histories of events that are sorted by viewer and then by order of watching."""
    n = len(events)
    columns = Events(
        movie_ids=events["movie"].to_numpy(),
        times=events["occurred_at"].to_numpy(),
        kinds=np.full(n, RATING, np.int8),
        ratings=events["rating"].to_numpy(),
        completions=np.full(n, np.nan, np.float32),
    )
    return Histories.from_table(events["viewer"].to_numpy(), columns, timed=timed)


def five_core(events: pl.DataFrame) -> pl.DataFrame:
    """Drop viewers and films with fewer than five interactions until none is left."""
    while True:
        remaining = events.filter(
            pl.len().over("viewer") >= MIN_INTERACTIONS, pl.len().over("movie") >= MIN_INTERACTIONS
        )
        if len(remaining) == len(events):
            return remaining
        events = remaining


def _sasrec_order(events: pl.DataFrame, data: Path) -> pl.DataFrame:
    """Sort as the published SASRec results did, by `ml-1m-order.csv.gz` beside the zip."""
    path = data.parent / "ml-1m-order.csv.gz"
    if not path.exists():
        raise SystemExit(f"Protocol A needs {path.name} beside {data}; it is not there.")
    order = pl.read_csv(path).filter(pl.col("sasrec_pos").is_not_null())
    order = order.select(pl.col("userId").cast(pl.Int32), pl.col("movieId").cast(pl.Int32), "sasrec_pos")
    joined = events.join(order, left_on=["viewer", "movie"], right_on=["userId", "movieId"])
    return joined.sort("viewer", "sasrec_pos")


def movie_features(dataset: Dataset, vocab: Vocab) -> Features:
    """Return the features of the vocabulary's films, see `feature_names`."""
    return build_features(feature_names(dataset, vocab.movie_ids))


def feature_names(dataset: Dataset, movie_ids: np.ndarray) -> list[list[str]]:
    """Return genres, people and decade of films, with the feature names of the nightly training."""
    role = pl.col("role").replace_strict({DIRECTOR: "director:", ACTOR: "actor:"}, return_dtype=pl.String)
    decade = pl.format("decade:{}", pl.col("year") // 10 * 10)
    names = pl.concat(
        [
            dataset.genres.select("movie", name=pl.format("genre:{}", "name")),
            dataset.credits.select("movie", name=role + pl.col("person")),
            dataset.movies.filter(pl.col("year").is_not_null()).select(movie="id", name=decade),
        ]
    )
    names_of_movie = dict(names.group_by("movie").agg("name").iter_rows())
    return [names_of_movie.get(movie_id, []) for movie_id in movie_ids.tolist()]
