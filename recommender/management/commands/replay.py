"""manage.py replay ID …, or --since MOMENT"""

import argparse
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from catalog.plurals import count_noun
from recommender.models import ServedList
from recommender.movies.movie_ids import movie_id_text
from recommender.served_lists import parse_list_id
from recommender.served_lists.entry import first_id
from recommender.serving.replay import Replay, Verdict, replay


class Command(BaseCommand):
    help = """Compute served lists again, from the model and the history of then, and say whether they are the same, or
    what moved since. Ends with an error where a list is different and nothing explains it."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("ids", metavar="ID", nargs="*", help="a recommendation_id")
        parser.add_argument("--since", type=_moment, help="in place of ids: all lists from this moment on, ISO 8601")
        parser.add_argument("--until", type=_moment, help="before this moment")
        parser.add_argument("--limit", type=int, default=10_000, help="lists at most, the newest (default 10,000)")

    def handle(self, *args: Any, ids: list[str], since: datetime | None, **options: Any) -> None:
        if bool(ids) == (since is not None):
            raise CommandError("Give ids of lists, or --since a moment.")
        import torch

        torch.set_num_threads(1)  # as in a web process: for one list at a time threads wait more than they work
        lists = _named(ids) if ids else _served_between(since, options["until"])[: options["limit"]].iterator(500)
        verdicts: Counter[Verdict] = Counter()
        reasons: Counter[str] = Counter()
        for served in lists:
            result = replay(served)
            verdicts[result.difference.verdict] += 1
            reasons.update({str(reason) for reason, _ in result.difference.reasons})
            if ids or result.difference.verdict == Verdict.UNEXPLAINED:
                self._show(result)
        if not ids:
            for verdict in Verdict:
                self.stdout.write(f"{verdicts[verdict]:8,}  {verdict}")
            for reason, count in reasons.most_common():
                self.stdout.write(f"  {count:8,}  {reason}")
        if verdicts[Verdict.UNEXPLAINED]:
            different = count_noun(verdicts[Verdict.UNEXPLAINED], "list is", "lists are")
            raise CommandError(f"{different} different, and nothing explains it.")

    def _show(self, result: Replay) -> None:
        difference = result.difference
        style = self.style.SUCCESS if difference.verdict == Verdict.SAME else self.style.WARNING
        self.stdout.write(style(f"{result.list_id}: {difference.verdict}"))
        if result.left_out:
            self.stdout.write(
                f"  Left out: {count_noun(result.left_out, 'event')} of the viewer that arrived after it."
            )
        for reason, text in difference.reasons:
            self.stdout.write(f"  {reason}: {text}")
        if result.again is None or difference.verdict == Verdict.SAME:
            return
        self.stdout.write("  place  served            again")
        pairs = [
            [(movie_id_text(movie), score) for movie, score in zip(one.movie_ids.tolist(), one.scores, strict=True)]
            for one in (result.served, result.again)
        ]
        for place in range(max(map(len, pairs))):
            columns = (f"{of[place][0]} {of[place][1]:.3f}" if place < len(of) else "" for of in pairs)
            self.stdout.write(f"  {place + 1:5}  " + "  ".join(f"{column:16}" for column in columns))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no moment: write 2026-11-28 or 2026-11-28T18:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _named(ids: list[str]) -> Iterator[ServedList]:
    for text in ids:
        list_id = parse_list_id(text)
        served = None if list_id is None else ServedList.objects.filter(pk=list_id).first()
        if served is None:
            raise CommandError(f"No list {text} is recorded. Lists are recorded some seconds after they are served.")
        yield served


def _served_between(since: datetime | None, until: datetime | None) -> QuerySet[ServedList]:
    lists = ServedList.objects.order_by("-pk")
    if since is not None:
        lists = lists.filter(pk__gte=first_id(since))
    return lists if until is None else lists.filter(pk__lt=first_id(until))
