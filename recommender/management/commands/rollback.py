"""manage.py rollback --reason WHY"""

import argparse
import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender import registry


class Command(BaseCommand):
    help = "Go back to the version that was active before. The one that is left becomes a candidate."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--reason", required=True, help="kept with both versions")

    def handle(self, *args: Any, reason: str, **options: Any) -> None:
        try:
            version = registry.rollback(f"{reason} ({getpass.getuser()}, by hand)")
        except registry.ActivationRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(self.style.SUCCESS(f"{version.name} is active again."))
