"""The options that `train` and `nightly` share, and how they print a model's metrics."""

import argparse
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from catalog.plurals import count_noun
from recommender.ml.config import CHANGEABLE, PRESETS, canonical_preset, parse_recipe
from recommender.models import Job, ModelVersion
from recommender.training import evidence

JOB_OPTIONS = ("preset", "epochs", "minutes", "seed", "device", "resume")


def add_training_options(parser: argparse.ArgumentParser, *, warm: bool) -> None:
    """Add the options of a training; `warm`: whether a warm start is the default."""
    parser.add_argument(
        "--warm",
        action=argparse.BooleanOptionalAction,
        default=warm,
        help="warm start: train on from the active model in a quarter of the epochs, if it is of the same shape; at "
        "most six times in a row, and not where a viewer was erased since",
    )
    parser.add_argument(
        "--preset",
        type=canonical_preset,
        choices=tuple(PRESETS),
        help="shape and settings of the model; without it what an experiment shipped, else default",
    )
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="FIELD=VALUE",
        help=f"fields that differ from the preset's: {', '.join(CHANGEABLE)}",
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="in place of the preset's")
    parser.add_argument("--minutes", type=float, metavar="M", help="cut the epochs to what fits into this time")
    parser.add_argument("--seed", type=int, metavar="S", help="in place of the preset's; the same seed, the same model")
    parser.add_argument("--device", default="auto", help="auto (CUDA, else MPS, else CPU), cuda, mps or cpu")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted training, if on the same data")


def job_parameters(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's parameters: the options that were set, and whether the start is warm."""
    parameters = {name: options[name] for name in JOB_OPTIONS if options[name] not in (None, False)}
    if options["set"]:
        try:
            recipe = parse_recipe(" ".join([options["preset"] or "default", *options["set"]]))
        except ValueError as error:
            raise CommandError(str(error)) from None
        parameters |= {"preset": recipe.preset, "changes": recipe.changes}
    return parameters | {"warm": options["warm"]}


def print_outcome(job: Job, out: OutputWrapper) -> None:
    """Print the metrics of each model that a nightly job trained, those of arms too; else why it trained none."""
    outcomes = [job.result] if "version" in job.result else []
    for outcome in [*outcomes, *job.result.get("arms", {}).values()]:
        if outcome["version"] is None:
            out.write(f"No model was trained: {outcome['reason']}.")
        else:
            print_metrics(ModelVersion.objects.get(name=outcome["version"]), out)


def print_metrics(version: ModelVersion, out: OutputWrapper) -> None:
    """Print the model beside the baselines and the active model, on the same held-out targets."""
    metrics = version.metrics
    rows = {version.name: metrics} | metrics["baselines"]
    if metrics.get("active"):
        rows[f"active: {metrics['active']['name']}"] = metrics["active"]
    width = max(map(len, rows))
    viewers = count_noun(round(metrics["targets"]), "viewer")
    out.write(f"\nHeld out: {metrics['held_out']} ({viewers}, all films ranked)")
    if metrics.get("left_out"):
        out.write(f"Trained on {evidence.describe_left_out(metrics['left_out'])}")
    out.write(f"{'':{width}}  NDCG@10   HR@10   HR@50")
    for name, row in rows.items():
        out.write(f"{name:{width}}  {row['ndcg10']:7.4f} {row['hr10']:7.4f} {row['hr50']:7.4f}")
    if ranked := evidence.next_visit_ranks(metrics):
        out.write(f"\nFor the next visit ({metrics['gate']['next_visit']['visits']}), and how this model compares")
        for name in sorted(ranked, key=lambda name: -ranked[name]["ndcg10"]):
            row = ranked[name]
            compared = "" if name == evidence.CANDIDATE else f"  {row['difference']:+.4f} {evidence.verdict(row)}"
            out.write(f"{name:{width}}  {row['ndcg10']:7.4f} {row['hr10']:7.4f}{compared}")
    seconds = ", ".join(f"{phase} {spent:.1f} s" for phase, spent in metrics["seconds"].items())
    out.write(f"{version.parameters:,} parameters, {count_noun(version.movies, 'film')}; {seconds}")
    out.write(f"{version.status}: {version.reason}")
