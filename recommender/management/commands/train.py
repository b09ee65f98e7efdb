"""manage.py train"""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.experiments import arm_models
from recommender.management.foreground import run_job
from recommender.management.options import add_training_options, job_parameters, print_outcome
from recommender.models import Experiment, Job


class Command(BaseCommand):
    help = """Train a model on every stored event, measure it beside the baselines and the active model, and register
    it. It is activated if it is better (see `models`). Its lists are then made as they are asked for; `batch` makes
    them all ahead of time, `nightly` does both. Ctrl-C stops; --resume continues. Under torchrun several processes
    train one model. With --experiment the models of that experiment's arms are trained, and nothing else."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add_training_options(parser, warm=False)
        parser.add_argument(
            "--activate",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="whether a better model goes live, or is registered as a candidate only",
        )
        parser.add_argument("--experiment", metavar="NAME", help="train the models of its arms that have a recipe")

    def handle(self, *args: Any, **options: Any) -> None:
        # torch: only the command itself needs it, not the list of commands
        from recommender.ml import distributed
        from recommender.training import nightly

        parameters = job_parameters(options) | {"lists": False, "arms": False, "activate": options["activate"]}
        if options["experiment"]:
            parameters |= {"arms": True, "of_experiment": _experiment_id(options["experiment"])}
        with distributed.process_group():
            if distributed.rank():
                nightly.follow_rank0()
                return
            job = run_job(Job.Kind.NIGHTLY, parameters, nightly.run, self.stdout)
        print_outcome(job, self.stdout)


def _experiment_id(name: str) -> int:
    """Return the id of an experiment that has something to train. Raises CommandError."""
    experiment = Experiment.objects.filter(name=name).first()
    if experiment is None or not arm_models.arms_to_train(experiment.pk):
        raise CommandError(f"There is no draft or running experiment {name!r} with a recipe.")
    return int(experiment.pk)
