"""Watches what a model that has just gone live does to the answers, and takes it back where they get worse."""

from datetime import timedelta
from typing import NamedTuple

from django.utils import timezone

from recommender import registry
from recommender.models import ModelVersion
from recommender.serving import tally

WATCHED = timedelta(hours=1)  # after the activation
MINUTE = 60  # seconds
FEWEST = 100  # calls on which a share is judged
TIMES = 3.0  # as large as it was before


class Bound(NamedTuple):
    name: str  # of the tally
    words: str
    most: float  # share that is never held against a model


BOUNDS = (
    Bound("failed", "of the calls failed", 0.01),
    Bound("astray", "of the lists for known viewers did not come from the model", 0.05),
)


def guard() -> str:
    """Rolls back where a share has left its bound since the active model went live. Returns why, or nothing."""
    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).first()
    now = timezone.now()
    if active is None or active.activated_at is None or now - active.activated_at > WATCHED:
        return ""
    minutes = int((now - active.activated_at).total_seconds()) // MINUTE
    sums = tally.sums(MINUTE, minutes + int(WATCHED.total_seconds()) // MINUTE)
    if not minutes or not sums:
        return ""
    # The minute of the activation is neither before nor after it.
    since, before = tally.together(sums[-minutes:]), tally.together(sums[: -minutes - 1])
    for bound in BOUNDS:
        share, usual = tally.share(since, bound.name), tally.share(before, bound.name) or 0.0
        if share is not None and tally.calls(since) >= FEWEST and share > max(bound.most, TIMES * usual):
            return _rolled_back(f"{share:.1%} {bound.words} since it went live; {usual:.1%} in the hour before")
    return ""


def _rolled_back(why: str) -> str:
    try:
        registry.rollback(why)
    except registry.ActivationRefused:
        return ""  # there is nothing to go back to
    return why
