"""manage.py batch"""

import argparse
from typing import Any

from django.core.management.base import BaseCommand

from recommender import tasks
from recommender.management.foreground import work
from recommender.models import Job


class Command(BaseCommand):
    help = """Make the lists of all viewers under the active model and store them in Redis. A batch that was killed goes
    on where it was."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--enqueue", action="store_true", help="leave it to a worker and return at once")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["enqueue"]:
            job = Job.objects.create(kind=Job.Kind.BATCH)
            tasks.enqueue(job)
            self.stdout.write(f"Enqueued as job {job.pk}; GET /jobs/{job.pk} and the admin show its progress.")
            return
        from recommender.training import batch

        work(Job.Kind.BATCH, {}, batch.run, self.stdout)
