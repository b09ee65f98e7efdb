"""What came of interleaved lists: of each viewer, which way of ranking has more of what was clicked."""

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

from scipy.stats import binomtest

from recommender.models import Outcome, ServedList
from recommender.served_lists.entry import FLAGS, first_id

INTERLEAVED = [flags for flags in range(32) if flags & FLAGS["interleaved"] and not flags & FLAGS["degraded"]]


class Preference(NamedTuple):
    """How many viewers prefer which way of ranking, by the films that they clicked or played."""

    lists: int
    first: int  # viewers with more films of the way that serves
    rival: int
    ties: int
    share: tuple[float, float, float] | None  # of those who prefer one, the rival's: with its interval of 95 %
    p_value: float  # of the sign test, two-sided; for one look

    @property
    def verdict(self) -> str:
        """Say which way is better, if it is sure."""
        if self.p_value >= 0.05:
            return "No sure difference."
        return "The rival is better." if self.rival > self.first else "The rival is worse."


def read_preference(rival: float | str, since: datetime, kind: Outcome.Kind) -> Preference:
    """Count which way of ranking each viewer prefers, in the lists since then that were drafted with this rival: a
    diversity, or the name of a model version."""
    rows = ServedList.objects.filter(pk__gte=first_id(since), flags__in=INTERLEAVED, request__rival=rival)
    lists = {pk: (viewer_id, teams) for pk, viewer_id, teams in rows.values_list("pk", "viewer_id", "request__teams")}
    lead: dict[int, int] = defaultdict(int)  # viewer -> films of the rival, less those of the other
    outcomes = Outcome.objects.filter(list_id__gte=first_id(since), kind=kind)
    for list_id, position in outcomes.values_list("list_id", "position").iterator(10_000):
        if list_id in lists:
            viewer_id, teams = lists[list_id]
            lead[viewer_id] += 1 if teams[position] == "1" else -1
    return judge(list(lead.values()), len(lists))


def judge(leads: list[int], lists: int) -> Preference:
    """Judge by the sign of what each viewer's lead is: one who clicks much counts as one."""
    wins, losses = sum(lead > 0 for lead in leads), sum(lead < 0 for lead in leads)
    if not wins + losses:
        return Preference(lists, 0, 0, len(leads), None, 1.0)
    test = binomtest(wins, wins + losses)
    interval = test.proportion_ci(0.95, "wilson")
    share = (wins / (wins + losses), float(interval.low), float(interval.high))
    return Preference(lists, losses, wins, len(leads) - wins - losses, share, float(test.pvalue))
