"""Ranking quality: the transformer beside closed-form baselines; all films ranked, seen ones left out, mid-rank ties.

P1  leave-one-out in stable time order; the film before the last selects the epoch, the last is asked once
A   the same in the order of the published SASRec figures (needs ml-1m-order.csv.gz beside the zip), no times
P2  nobody trains on anything after the 0.9 quantile of all times; `last` and `successive` films after it

--time says what is told at asking: the moment of the target (request), only the history's times (unknown), or no times
at all (none). One set of weights answers all three; the table always shows them."""

import argparse
import json
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress as Bar

from benchmarks.protocols import Task, protocol, read
from benchmarks.report import print_report
from benchmarks.simulated import write_simulated
from recommender.ml import evaluate, metrics
from recommender.ml.baselines import Prefix, fit_all
from recommender.ml.config import PRESETS, Preset, as_json, changed, preset
from recommender.ml.evaluate import Targets, Time
from recommender.ml.model import TransformerRecModel
from recommender.ml.ranker import Ranker
from recommender.ml.train import Progress, Step, Trainer

TIMES: tuple[Time, ...] = ("request", "unknown", "none")
_TIME: dict[str, Time] = {"P1": "request", "A": "none", "P2": "unknown"}  # what is told unless --time says so
QUICK_RATINGS, QUICK_TARGETS, QUICK_EPOCHS = 300_000, 500, 3
SELECT_TARGETS = 2_000  # validation targets asked after an epoch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else a set is generated")
    parser.add_argument(
        "--people", type=Path, metavar="FILE", help="actors and directors, as import_movielens takes them"
    )
    parser.add_argument("--protocol", choices=("P1", "A", "P2"), default="P1")
    parser.add_argument("--time", choices=TIMES, help="what hr10 and ndcg10 are of (P1: request, P2: unknown, A: none)")
    parser.add_argument("--preset", choices=PRESETS, default="default")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], metavar="N")
    parser.add_argument("--epochs", type=int, help="in place of the preset's")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="FIELD=VALUE", help="change fields of the preset (ablations)"
    )
    parser.add_argument("--baselines-only", action="store_true", help="no training")
    parser.add_argument(
        "--checkpoints", type=Path, metavar="DIR", help="keep training states here and resume from them"
    )
    parser.add_argument("--result", type=Path, metavar="FILE", help="also write the result as JSON, with the curves")
    parser.add_argument("--quick", action="store_true", help="three epochs, few targets: about a minute")


def run(given: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as folder:
        data = given.data or write_simulated(Path(folder) / "simulated", QUICK_RATINGS)
        dataset, events = read(data, given.people)
    task = protocol(given.protocol, dataset, events, data)
    if given.quick:
        task = _fewer(task)
    told: Time = given.time or _TIME[given.protocol]
    shape = _shape(given)
    result: dict[str, Any] = {"bench": "quality", "protocol": given.protocol, "preset": given.preset, "time": told}
    result |= {"data": dataset.name, "data_hash": task.hash, "movies": len(task.vocab), "viewers": len(task.ends)}
    result |= {"parameters": sum(p.numel() for p in _model(task, shape).parameters()), "seeds": given.seeds}
    baselines, base_ranks = _baselines(task)
    lines = [] if given.baselines_only else [_run_seed(task, shape, seed, given.checkpoints) for seed in given.seeds]
    result |= {"baselines": baselines, "runs": [line["figures"] for line in lines]}
    result |= {"train_s": float(np.median([line["train_s"] for line in lines])) if lines else None}
    result |= {"selected_on": "validation NDCG@10, mean of the three times, best epoch" if lines else None}
    result |= {"curves": [line["curve"] for line in lines], "config": as_json(shape.model) | as_json(shape.train)}
    result |= _headline(given.protocol, told, lines)
    if lines:
        result["over_blend"] = _paired(lines[0]["ranks"], base_ranks["blend"], told)
    if given.result:
        given.result.write_text(json.dumps(result, indent=1))
    print_report(
        f"{given.protocol} on {dataset.name}",
        _columns(task),
        _rows(task, baselines, lines),
        {key: value for key, value in result.items() if key != "curves"},
    )


def _shape(given: argparse.Namespace) -> Preset:
    """The preset with the changes that were asked for."""
    base = preset(given.preset)
    changes = dict(pair.split("=", 1) for pair in given.set)
    model = {name: json.loads(value) for name, value in changes.items() if hasattr(base.model, name)}
    train = {name: json.loads(value) for name, value in changes.items() if hasattr(base.train, name)}
    if unknown := changes.keys() - model.keys() - train.keys():
        raise SystemExit(f"--set: the preset has no field {', '.join(sorted(unknown))}.")
    if given.epochs or given.quick:
        train["epochs"] = given.epochs or QUICK_EPOCHS
    return changed(base, model=model, train=train)


def _fewer(task: Task) -> Task:
    """The first targets of each kind."""

    def few(targets: Targets) -> Targets:
        return Targets(*(column[:QUICK_TARGETS] for column in targets))

    return task._replace(validation=few(task.validation), tests={name: few(t) for name, t in task.tests.items()})


def _model(task: Task, shape: Preset) -> TransformerRecModel:
    torch.manual_seed(shape.train.seed)
    return TransformerRecModel(len(task.vocab), shape.model, task.features)


def _baselines(task: Task) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, np.ndarray]]]:
    """Figures and ranks of every baseline, by name and test."""
    figures, ranks = {}, {}
    for name, fit in fit_all(Prefix(task.tokens, task.baseline_ends, len(task.vocab))).items():
        started = time.monotonic()
        score = fit()
        seconds = time.monotonic() - started
        ranks[name] = {test: evaluate.rank(task.tokens, targets, score) for test, targets in task.tests.items()}
        figures[name] = _flat({test: _figures(r) for test, r in ranks[name].items()}) | {"fit_s": round(seconds, 2)}
        print(f"{name}: {figures[name]}", flush=True)
    return figures, ranks


def _figures(ranks: np.ndarray) -> dict[str, float]:
    return {name: round(value, 4) for name, value in metrics.summary(ranks).items()}


def _flat(by_test: dict[str, Any]) -> dict[str, Any]:
    """Protocols with one test need no name for it."""
    return by_test["test"] if set(by_test) == {"test"} else by_test


def _run_seed(task: Task, shape: Preset, seed: int, checkpoints: Path | None) -> dict[str, Any]:
    """Trains with this seed, selects on validation, then asks the test once."""
    shape = changed(shape, train={"seed": seed})
    model = _model(task, shape)
    best = {"ndcg10": -1.0, "epoch": 0.0}
    weights: dict[str, torch.Tensor] = {}
    started = time.monotonic()

    def on_epoch(epoch: int, trained: TransformerRecModel) -> dict[str, float]:
        spent = time.monotonic() - started
        figures = _validate(Ranker(trained, task.vocab), task)
        print(f"seed {seed} epoch {epoch}: {spent:.0f} s, {figures}", flush=True)
        if figures["ndcg10"] > best["ndcg10"]:
            best.update(figures, epoch=epoch)
            weights.update({name: tensor.detach().clone() for name, tensor in trained.state_dict().items()})
        return figures

    trainer = Trainer(model, task.tokens, task.ends, shape, checkpoints=checkpoints and checkpoints / f"seed{seed}")
    with Bar(transient=True) as bar:
        row = bar.add_task("training", total=None)

        def on_step(step: Step) -> None:
            bar.update(row, total=step.steps * step.epochs, completed=step.steps * (step.epoch - 1) + step.step)

        trained = trainer.run(Progress(on_step, on_epoch), resume=checkpoints is not None)
    seconds = sum(epoch["seconds"] for epoch in trained.history)
    if weights:
        trained.model.load_state_dict(weights)
    ranker = Ranker(trained.model, task.vocab)
    ranks = {t: {test: _rank(ranker, task, x, t) for test, x in task.tests.items()} for t in TIMES}
    figures: dict[str, Any] = {t: _flat({test: _figures(r) for test, r in of.items()}) for t, of in ranks.items()}
    figures |= {"seed": seed, "epoch": best["epoch"], "new_visits": _new_visits(task, ranks)}
    return {"figures": figures, "ranks": ranks, "train_s": seconds, "curve": trained.history}


def _validate(ranker: Ranker, task: Task) -> dict[str, float]:
    chosen = np.random.default_rng(0).permutation(len(task.validation.rows))[:SELECT_TARGETS]
    targets = Targets(*(column[np.sort(chosen)] for column in task.validation))
    by_time = {t: _rank(ranker, task, targets, t) for t in TIMES}
    figures = {f"{t}_ndcg10": round(metrics.ndcg(r, 10), 4) for t, r in by_time.items()}
    return figures | {"ndcg10": round(float(np.mean([metrics.ndcg(r, 10) for r in by_time.values()])), 4)}


def _rank(ranker: Ranker, task: Task, targets: Targets, told: Time) -> np.ndarray:
    return evaluate.rank(task.tokens, targets, evaluate.of_ranker(ranker, told))


def _new_visits(task: Task, ranks: dict[Time, dict[str, np.ndarray]]) -> dict[str, Any]:
    """Figures on targets that come more than an hour after the film before."""
    test = next(iter(task.tests))
    rows = task.tests[test].rows
    later = task.tokens.times[rows] - task.tokens.times[rows - 1] > 3600
    return {told: _figures(of[test][later]) for told, of in ranks.items()}


def _headline(name: str, told: Time, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """hr10 and ndcg10, means over the seeds; by test for P2."""

    def mean(figures: Iterable[dict[str, float]]) -> dict[str, float]:
        rows = list(figures)
        return {key: round(float(np.mean([row[key] for row in rows])), 4) for key in ("hr10", "ndcg10")}

    if not lines:
        return {"last": None, "successive": None} if name == "P2" else {"hr10": None, "ndcg10": None}
    if name == "P2":
        return {test: mean(line["figures"][told][test] for line in lines) for test in ("last", "successive")}
    return mean(line["figures"][told] for line in lines)


def _paired(
    ranks: dict[Time, dict[str, np.ndarray]], base: dict[str, np.ndarray], told: Time
) -> dict[str, list[float]]:
    """NDCG@10 over the blend's on the same targets: difference, and its 95 % interval by bootstrap."""
    gains = {test: (metrics.gains(r, 10), metrics.gains(base[test], 10)) for test, r in ranks[told].items()}
    return {test: [round(x, 4) for x in metrics.paired_bootstrap(*pair)] for test, pair in gains.items()}


def _columns(task: Task) -> list[str]:
    return ["", *(f"{test} {figure}" for test in task.tests for figure in ("HR@10", "NDCG@10")), "seconds"]


def _rows(task: Task, baselines: dict[str, dict[str, Any]], lines: list[dict[str, Any]]) -> list[list[object]]:
    def cells(figures: dict[str, Any]) -> list[object]:
        by_test = {"test": figures} if "hr10" in figures else figures
        return [f"{by_test[test][key]:.4f}" for test in task.tests for key in ("hr10", "ndcg10")]

    rows: list[list[object]] = [[name, *cells(of), of["fit_s"]] for name, of in baselines.items()]
    for line in lines:
        seed = line["figures"]["seed"]
        rows += [[f"transformer, {t}, seed {seed}", *cells(line["figures"][t]), line["train_s"]] for t in TIMES]
    return rows
