"""`./run bench quality --protocol N --served`: do viewers who come back get what protocol N measures?

The data up to the cut are loaded, a model is trained as `./run` trains it, and the days of some of the visits are
played back: everybody's events up to the midnight before are posted, what is popular is counted as beat has it counted,
and each viewer's own events up to the visit are posted. Then the list is asked for over HTTP:

stored  without a time, and again: the second answer is the stored list
live    with the visit's first second as `at`

The clock of what is popular goes by the days of the data, not by the server's, so past days need no other clock. How
long a viewer has been known does go by the server's: before each count all of them are moved by so many days that the
played day is today."""

import argparse
import json
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import numpy as np
import polars as pl

from benchmarks.benchmark_system import BenchmarkSystem, isolated_system
from benchmarks.protocols import feature_names, sort_events, to_histories
from benchmarks.quality.next_visit import RollingPopularity, Split, VisitRanks, catalogue_scorer, rank_visits
from benchmarks.report import print_report
from catalog.dataset import Dataset
from recommender.ml import visits
from recommender.ml.data import tokenise
from recommender.ml.metrics import paired_bootstrap
from recommender.ml.popularity import WINDOW_DAYS as WINDOWS
from recommender.ml.visits import DAY, Visits
from recommender.ml.vocab import Vocab

if TYPE_CHECKING:
    from recommender.ml.ranker import Ranker

NUM_VISITS, QUICK_VISITS = 500, 40
NUM_DAYS, QUICK_DAYS = 8, 2  # played days, between which the visits are spread
MAX_TIMES = 4
BLOCK = 1_000  # events of a request
MODES = ("stored", "live")
TOP_K = 50  # films that are asked for, for recall@50
LIST_LENGTH = 10  # films of a list that are compared one by one
TOLERANCE = 0.002  # of NDCG@10
FIGURES = ("ndcg10", "hr10", "recall50")
QUICK_EPOCHS = 3


def measure_served_visits(args: argparse.Namespace, dataset: Dataset, events: pl.DataFrame, split: Split) -> None:
    """Play back the days, compare, and print the report. Raises `SystemExit` where NDCG@10 of the served lists differs
    from that of the offline ones of the same model by more than TOLERANCE."""
    if args.set:
        raise SystemExit("--served trains a preset as it is: leave out --set, or give a model folder with --model.")
    sample = sample_visits(split, *((QUICK_VISITS, QUICK_DAYS) if args.quick else (NUM_VISITS, NUM_DAYS)))
    split = split._replace(visits=sample, relevant=visits.relevant_items(split.tokens, sample))
    ordered = sort_events(events)  # row by row the tokens
    with isolated_system() as system:
        ranker = _load_model(system, args, replace(dataset, events=[events.filter(pl.col("occurred_at") <= split.cut)]))
        playback = Playback(system, split, ordered)
        served = playback.play()
    split = with_vocabulary(split, dataset, ordered, ranker.vocab)
    result: dict[str, Any] = {"bench": "quality", "protocol": "N", "data": dataset.name, "data_hash": split.data_hash}
    result |= {"preset": ranker.metadata.get("preset", args.preset), "movies": len(split.catalogue)}
    result |= {"parameters": sum(p.numel() for p in ranker.model.parameters()), "visits": len(sample.viewers)}
    result |= {"days": len(playback.days), "sources": playback.sources, "seconds": playback.seconds}
    scorers = {f"popularity_{days}": RollingPopularity(split.tokens, len(split.catalogue), days) for days in WINDOWS}
    result["popularity"] = {name: _figures(split, rank_visits(split, scorer)) for name, scorer in scorers.items()}
    comparisons = {}
    for mode in MODES:
        offline = rank_visits(split, catalogue_scorer(split, ranker, live=mode == "live"))
        comparisons[mode] = compare(split, offline, served[mode])
    result["served"] = comparisons
    if args.result:
        args.result.parent.mkdir(parents=True, exist_ok=True)
        args.result.write_text(json.dumps(result, indent=1) + "\n")
    _report(result)


def sample_visits(split: Split, num_visits: int, num_days: int) -> Visits:
    """Choose days, spread over the visits, and on each of them as many visits at random. Where a day has few visits
    there are up to MAX_TIMES as many days."""
    days = split.tokens.times[split.visits.starts] // DAY
    ordered = np.sort(days[days > split.cut // DAY])  # what is loaded has a part of the cut's own day
    if not len(ordered):
        raise SystemExit("Protocol N: nobody comes back on a day after that of the cut.")
    few = num_visits / num_days > len(ordered) / len(np.unique(ordered))
    num_days = num_days * MAX_TIMES if few else num_days
    quantiles = (np.arange(num_days) + 0.5) / num_days
    chosen_days = np.unique(ordered[(quantiles * len(ordered)).astype(int)])
    of_day, rng = -(-num_visits // len(chosen_days)), np.random.default_rng(1)
    chosen = [rng.permutation(np.flatnonzero(days == day))[:of_day] for day in chosen_days.tolist()]
    return split.visits.select(np.sort(np.concatenate(chosen)))


def with_vocabulary(split: Split, dataset: Dataset, ordered: pl.DataFrame, vocab: Vocab) -> Split:
    """Return the split with the task's tokens in the vocabulary of another model."""
    tokens = tokenise(to_histories(ordered), vocab)
    known = np.isin(split.catalogue.movie_ids[split.tokens.items - 1], vocab.movie_ids)
    cold_ids = np.setdiff1d(split.catalogue.movie_ids, vocab.movie_ids)
    return split._replace(
        task=split.task._replace(tokens=tokens, vocab=vocab),
        task_rows=np.append(0, np.cumsum(known)),
        cold_ids=cold_ids,
        cold_features=feature_names(dataset, cold_ids),
    )


def _load_model(system: BenchmarkSystem, args: argparse.Namespace, known: Dataset) -> "Ranker":
    """Load the data, and train a model as `./run --data` does, or take that of --model. Returns what is active."""
    from django.core.management import call_command

    from catalog.loading import load_dataset
    from recommender import registry
    from recommender.ml.ranker import Ranker
    from recommender.models import ModelVersion

    load_dataset(known)
    if args.model:
        folder = Path(shutil.copytree(args.model, registry.folder("benched")))
        registry.register(folder, movies=len(Ranker.load(folder).vocab))
    else:
        epochs = args.epochs or (QUICK_EPOCHS if args.quick else None)
        call_command("train", preset=args.preset, seed=args.seeds[0], epochs=epochs, activate=False)
        folder = registry.folder(ModelVersion.objects.latest("created_at").name)
    registry.activate(folder.name, "for the benchmark")
    return Ranker.load(folder)


class Playback:
    """Plays back the days of the split's visits on a running system."""

    def __init__(self, system: BenchmarkSystem, split: Split, ordered: pl.DataFrame) -> None:
        """Take the events `ordered` row by row as the split's tokens are."""
        self.system, self.split, self.ordered = system, split, ordered
        self.began = split.tokens.times[split.visits.starts]
        self.days: list[int] = np.unique(self.began // DAY).tolist()
        self.viewers = ordered["viewer"].to_numpy()
        self.posted = split.tokens.times <= split.cut  # bool [tokens]
        self.sources: dict[str, Counter[str]] = {mode: Counter() for mode in MODES}
        self.seconds, self.key = 0.0, ""

    def play(self) -> dict[str, VisitRanks]:
        """Return the ranks and the lists that were served, by mode."""
        started = time.monotonic()
        self.key = _create_key()
        self.system.serve()
        served: dict[str, list[np.ndarray]] = {mode: [np.empty(0, np.int64)] * len(self.began) for mode in MODES}
        for number, day in enumerate(self.days, 1):
            self._begin_day(day)
            rows = np.flatnonzero(self.began // DAY == day)
            for row in rows[np.argsort(self.began[rows], kind="stable")].tolist():
                for mode, films in self._ask(row).items():
                    served[mode][row] = films
            print(f"day {number} of {len(self.days)}: {len(rows)} visits", flush=True)
        self.seconds = round(time.monotonic() - started, 1)
        return {mode: to_ranks(self.split, served[mode]) for mode in MODES}

    def _begin_day(self, day: int) -> None:
        """Bring the system to the midnight before `day`: events, what beat counts, and no list of another day."""
        from recommender import cache, tasks

        self._post(np.flatnonzero(~self.posted & (self.split.tokens.times < day * DAY)))
        _know_viewers_since(day)
        tasks.refresh_charts()
        tasks.count_watches()
        for viewer in np.unique(self._viewers_of(day)).tolist():
            cache.erase_viewer(viewer)
        self.system.restart_web()  # a process keeps the counts that it has read for some minutes

    def _viewers_of(self, day: int) -> np.ndarray:
        return np.asarray(self.viewers[self.split.visits.starts[self.began // DAY == day]])

    def _ask(self, row: int) -> dict[str, np.ndarray]:
        """Post the viewer's own events before visit `row`, and return the lists that are then served."""
        start, first = int(self.split.visits.starts[row]), self.split.tokens.indptr[self.split.visits.viewers[row]]
        before = np.arange(first, start)
        self._post(before[~self.posted[before]])
        path = f"/recommend?user_id={self.viewers[start]}&top_k={TOP_K}"
        self._request(path)
        answers = {"stored": self._request(path), "live": self._request(f"{path}&at={self.began[row]}")}
        for mode, answer in answers.items():
            self.sources[mode][answer["source"]] += 1
        movie_ids = {
            mode: np.array([int(movie["movie_id"]) for movie in answer["recommendations"]], np.int64)
            for mode, answer in answers.items()
        }
        return {mode: self.split.catalogue.encode(ids) - 1 for mode, ids in movie_ids.items()}

    def _post(self, rows: np.ndarray) -> None:
        """Post events and wait until they are stored. Raises `SystemExit` where one is refused."""
        for start in range(0, len(rows), BLOCK):
            block = self.ordered[rows[start : start + BLOCK].tolist()]
            events = [
                {"user_id": viewer, "movie_id": movie, "kind": "rating", "rating": rating, "occurred_at": moment}
                for viewer, movie, rating, moment in block.select(
                    "viewer",
                    "movie",
                    "rating",
                    pl.from_epoch("occurred_at").dt.to_string("%Y-%m-%dT%H:%M:%SZ"),
                ).iter_rows()
            ]
            answer = self._request("/events", {"events": events})
            if answer["stored"] + answer["duplicates"] != len(events):
                wrong = [result for result in answer["results"] if result["status"] not in ("stored", "duplicate")]
                raise SystemExit(f"Of {len(events)} events {len(wrong)} were not stored, the first: {wrong[0]}")
        self.posted[rows] = True

    def _request(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Authorization": f"Api-Key {self.key}"}
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self.system.address.url + path, data, headers), timeout=60) as response:
            return dict(json.load(response))


def _create_key() -> str:
    from recommender.models import ApiKey

    return str(ApiKey.objects.create_key(name="bench", scopes=list(ApiKey.Scope))[1])


def _know_viewers_since(day: int) -> None:
    """Let every viewer be known since their first event, with `day` as today."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE catalog_viewer v SET created_at = least(now(), first.at + make_interval(days => %s))
               FROM (SELECT viewer_id, min(occurred_at) AS at FROM catalog_watchevent GROUP BY 1) first
               WHERE first.viewer_id = v.id""",
            [int(time.time()) // DAY - day],
        )


def to_ranks(split: Split, served: Sequence[np.ndarray]) -> VisitRanks:
    """Return the ranks of the relevant films in served lists, columns of the catalogue by visit; inf outside them."""
    ranks = np.full(len(split.relevant.items), np.inf)
    lists = np.full((len(served), LIST_LENGTH), -1)
    for row, columns in enumerate(served):
        part = slice(*split.relevant.indptr[row : row + 2])
        places = columns[:, None] == split.relevant.items[part]
        ranks[part] = np.where(places.any(0), places.argmax(0) + 1.0, np.inf)
        lists[row, : len(columns)] = columns[:LIST_LENGTH]
    return VisitRanks(ranks, lists)


def _figures(split: Split, ranked: VisitRanks) -> dict[str, float]:
    summary = visits.summary(ranked.ranks, split.relevant)
    return {name: summary[name] for name in FIGURES}


def compare(split: Split, offline: VisitRanks, served: VisitRanks) -> dict[str, Any]:
    """Return the figures of both, the difference of NDCG@10 with its interval, and how alike the first ten are."""
    served_gains, offline_gains = (visits.ndcg(ranked.ranks, split.relevant) for ranked in (served, offline))
    difference = paired_bootstrap(served_gains, offline_gains, split.visits.viewers)
    shared = [
        len(np.intersect1d(left, right)) / LIST_LENGTH for left, right in zip(served.lists, offline.lists, strict=True)
    ]
    return {
        "offline": _figures(split, offline),
        "served": _figures(split, served),
        "difference": [round(value, 4) for value in difference],
        "identical_top10": round(float((served.lists == offline.lists).all(1).mean()), 4),
        "overlap10": round(float(np.mean(shared)), 4),
    }


def _report(result: dict[str, Any]) -> None:
    rows: list[list[object]] = []
    for mode, comparison in result["served"].items():
        for side in ("offline", "served"):
            rows.append([f"{mode}, {side}", *(f"{comparison[side][name]:.4f}" for name in FIGURES), "", ""])
        difference = "{:+.4f} ({:+.4f} to {:+.4f})".format(*comparison["difference"])
        rows[-1][-2:] = [difference, f"{comparison['identical_top10']:.1%}, {comparison['overlap10']:.1%}"]
    rows += [[name, *(f"{of[figure]:.4f}" for figure in FIGURES), "", ""] for name, of in result["popularity"].items()]
    title = f"N on {result['data']}, {result['visits']} visits of {result['days']} days"
    print_report(title, ["", *FIGURES, "NDCG@10, difference", "same first ten, films shared"], rows, result)
    apart = {mode: comparison["difference"][0] for mode, comparison in result["served"].items()}
    if any(abs(difference) > TOLERANCE for difference in apart.values()):
        raise SystemExit(f"NDCG@10 of the served lists is not within {TOLERANCE} of the offline ones: {apart}.")
