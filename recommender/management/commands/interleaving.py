"""manage.py interleaving"""

import argparse
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from catalog.plurals import count_noun
from recommender.models import Outcome
from recommender.outcomes.interleaved import read_preference

REWARDS = {"click": Outcome.Kind.CLICK, "play": Outcome.Kind.PLAY}


class Command(BaseCommand):
    help = """Say which way of ranking viewers prefer in interleaved lists (MOVIEREC_INTERLEAVE_SHARE): the one that
    serves, or the rival of MOVIEREC_INTERLEAVE_MODEL or _DIVERSITY. To be looked at once, at the end."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        rival = parser.add_mutually_exclusive_group()
        rival.add_argument("--model", default=settings.INTERLEAVE_MODEL, help="the rival's")
        rival.add_argument("--diversity", type=float, help="the rival's")
        parser.add_argument("--reward", choices=list(REWARDS), default="click", help="what counts (default click)")
        parser.add_argument("--days", type=float, default=14, help="of the log (default 14)")

    def handle(self, *args: Any, **options: Any) -> None:
        diversity, reward = options["diversity"], options["reward"]
        rival: float | str = settings.INTERLEAVE_DIVERSITY if diversity is None else diversity
        if diversity is None and options["model"]:
            rival = options["model"]
        found = read_preference(rival, timezone.now() - timedelta(days=options["days"]), REWARDS[reward])
        title = f"model {rival}" if isinstance(rival, str) else f"rival of diversity {rival:g}"
        self.stdout.write(f"{count_noun(found.lists, 'list')}, half of each by the {title}")
        verb = f"{reward}s" if found.rival == 1 else reward
        self.stdout.write(f"{count_noun(found.rival, 'viewer'):>16} {verb} more films of the rival")
        self.stdout.write(f"{found.first:8,} more of the way that serves")
        self.stdout.write(f"{found.ties:8,} as many of both")
        if found.share is not None:
            share, low, high = found.share
            self.stdout.write(f"{share:.1%} of those who prefer one prefer the rival ({low:.1%} to {high:.1%})")
        self.stdout.write(self.style.SUCCESS(f"{found.verdict} (sign test, p = {found.p_value:.4f})"))
