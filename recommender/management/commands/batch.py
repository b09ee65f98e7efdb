"""manage.py batch"""

import argparse
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender import tasks
from recommender.management.foreground import run_job
from recommender.models import Job


class Command(BaseCommand):
    help = """Make the lists of all viewers under the active model and store them in Redis. A batch that was killed goes
    on where it was."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--active-days", type=int, metavar="N", help="only viewers with an event in the last N days"
        )
        parser.add_argument("--enqueue", action="store_true", help="leave it to a worker and return at once")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["active_days"]
        if days is not None and days < 1:
            raise CommandError(f"--active-days is {days}: give 1 or more.")
        parameters = {} if days is None else {"active_days": days}
        if options["enqueue"]:
            job = Job.objects.create(kind=Job.Kind.BATCH, parameters=parameters)
            tasks.enqueue(job)
            self.stdout.write(f"Enqueued as job {job.pk}; GET /jobs/{job.pk} and the admin show its progress.")
            return
        from recommender.training import batch  # torch, which --enqueue does without

        flow = partial(batch.run, request_helpers=tasks.request_batch_helpers, prepare_pages=tasks.prepare_pages)
        run_job(Job.Kind.BATCH, parameters, flow, self.stdout)
