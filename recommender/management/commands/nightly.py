"""manage.py nightly"""

import argparse
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand

from recommender import tasks
from recommender.management.foreground import run_job
from recommender.management.options import add_training_options, job_parameters, print_outcome
from recommender.models import Job


class Command(BaseCommand):
    help = """What beat starts every night: train, measure, register; make the lists of all viewers under the new model
    if it is better; activate it. Here in the foreground, or with --enqueue in the training worker."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add_training_options(parser, warm=True)
        parser.add_argument("--enqueue", action="store_true", help="leave it to the training worker and return at once")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["enqueue"]:
            job = Job.objects.create(kind=Job.Kind.NIGHTLY, parameters=job_parameters(options))
            tasks.enqueue(job)
            self.stdout.write(f"Enqueued as job {job.pk}; the admin shows its progress.")
            return
        from recommender.training import nightly  # torch, which --enqueue does without

        flow = partial(nightly.run, prepare_pages=tasks.prepare_pages)
        job = run_job(Job.Kind.NIGHTLY, job_parameters(options), flow, self.stdout)
        print_outcome(job, self.stdout)
