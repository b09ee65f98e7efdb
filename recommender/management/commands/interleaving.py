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
    serves, or the one with the diversity of MOVIEREC_INTERLEAVE_DIVERSITY. To be looked at once, at the end."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--diversity", type=float, default=settings.INTERLEAVE_DIVERSITY, help="of the rival")
        parser.add_argument("--reward", choices=list(REWARDS), default="click", help="what counts (default click)")
        parser.add_argument("--days", type=float, default=14, help="of the log (default 14)")

    def handle(self, *args: Any, diversity: float, reward: str, days: float, **options: Any) -> None:
        found = read_preference(diversity, timezone.now() - timedelta(days=days), REWARDS[reward])
        self.stdout.write(f"{count_noun(found.lists, 'list')}, half of each by the rival of diversity {diversity:g}")
        self.stdout.write(f"{found.rival:8,} viewers {reward} more films of the rival")
        self.stdout.write(f"{found.first:8,} more of the way that serves")
        self.stdout.write(f"{found.ties:8,} as many of both")
        if found.share is not None:
            share, low, high = found.share
            self.stdout.write(f"{share:.1%} of those who prefer one prefer the rival ({low:.1%} to {high:.1%})")
        self.stdout.write(self.style.SUCCESS(f"{found.verdict} (sign test, p = {found.p_value:.4f})"))
