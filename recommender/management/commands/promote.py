"""manage.py promote NAME --reason WHY"""

import argparse
import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender import registry


class Command(BaseCommand):
    help = """Make a version the active one, whatever it measured. Every live process loads it first. The reason and the
    name of who gave it are kept."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="as `models` lists it")
        parser.add_argument("--reason", required=True, help="kept with the version")

    def handle(self, *args: Any, name: str, reason: str, **options: Any) -> None:
        try:
            registry.activate(name, f"{reason} ({getpass.getuser()}, by hand)")
        except registry.ActivationRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(self.style.SUCCESS(f"{name} is active."))
