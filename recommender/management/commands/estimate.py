"""manage.py estimate --model NAME, or --diversity X"""

import argparse
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from catalog.plurals import count_noun
from recommender.models import Outcome
from recommender.serving.replay import counterfactual
from recommender.serving.replay.counterfactual import CannotEstimate, Comparison

REWARDS = {"click": Outcome.Kind.CLICK, "play": Outcome.Kind.PLAY}
WORDS = {
    "better": "It would have been better.",
    "worse": "It would have been worse.",
    "level": "There is no sure difference.",
}


class Command(BaseCommand):
    help = """Estimate from drawn lists (MOVIEREC_EXPLORATION_SHARE) what would have come of a candidate's lists, beside
    those that are served. Ends with an error where the drawn lists say too little of it."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        candidate = parser.add_mutually_exclusive_group(required=True)
        candidate.add_argument("--model", metavar="NAME", help="a version, as `models` lists it")
        candidate.add_argument("--diversity", type=float, metavar="X", help="0 to 1")
        parser.add_argument("--reward", choices=list(REWARDS), default="click", help="what counts (default click)")
        parser.add_argument("--places", type=int, default=counterfactual.PLACES, help="of a list (default 10)")
        parser.add_argument("--days", type=float, default=14, help="of the log (default 14)")

    def handle(self, *args: Any, model: str | None, diversity: float | None, **options: Any) -> None:
        if diversity is not None and not 0 < diversity <= 1:
            raise CommandError("--diversity is above 0, and 1 at most.")
        if options["places"] < 1:
            raise CommandError("--places is 1 or more.")
        try:
            rank = counterfactual.by_diversity(diversity or 0.0) if model is None else counterfactual.by_model(model)
            comparison = counterfactual.compare_candidate(
                rank,
                kind=REWARDS[options["reward"]],
                places=options["places"],
                since=timezone.now() - timedelta(days=options["days"]),
            )
        except CannotEstimate as reason:
            raise CommandError(str(reason)) from reason
        self._show(comparison, f"{options['reward']}s", options["places"])

    def _show(self, comparison: Comparison, rewards: str, places: int) -> None:
        self.stdout.write(f"{rewards.capitalize()} for each list, of its first {count_noun(places, 'place')}")
        self.stdout.write(f"{'':16}  {'as served':>28}  {'candidate':>28}")
        for title, name in (("doubly robust", "doubly_robust"), ("SNIPS", "snips"), ("clipped IPS", "ips")):
            columns = []
            for estimates in (comparison.served, comparison.candidate):
                value, low, high = getattr(estimates, name)
                columns.append(f"{value:.4f} ({low:.4f} to {high:.4f})")
            self.stdout.write(f"{title:16}  {columns[0]:>28}  {columns[1]:>28}")
        difference, candidate = comparison.difference, comparison.candidate
        self.stdout.write(
            f"difference        {difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"
        )
        self.stdout.write(
            f"from {count_noun(comparison.lists, 'drawn list')} of {count_noun(comparison.viewers, 'viewer')}, worth "
            f"{candidate.effective:.0f} of the candidate's; {candidate.overlap:.0%} of its places could have been drawn"
        )
        self.stdout.write(self.style.SUCCESS(WORDS[comparison.verdict]))
