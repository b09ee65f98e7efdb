"""Watches a model in its first hour and goes back to the version before it where it is bad.

Only what no client can choose counts: the lists of viewers whom the server drew (`probe`), and whether any web process
could load the model. The version before has to be better for the very same viewers: a history that breaks every model,
a database or a catalogue that changed, is no fault of the new one.
"""

from datetime import timedelta

from django.utils import timezone

from recommender import cache, registry
from recommender.cache import CacheUnavailable
from recommender.models import ModelVersion
from recommender.monitoring import probe
from recommender.serving import metrics

MINUTE = 60  # seconds
MIN_LISTS = 50  # lists on which a share is judged
MAX_FAULT_RATE = 0.1  # share of them that is never held against a model
MAX_FAULT_RATIO = 2.0  # as large as under the version before
LOAD_TIMEOUT = timedelta(minutes=3)  # until a web process has to hold the model


def rollback_if_faulty() -> str:
    """Rolls back where the model that went live within the hour is bad. Returns why, or nothing."""
    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).first()
    now = timezone.now()
    if active is None or active.activated_at is None or now - active.activated_at > probe.WATCH_WINDOW:
        return ""
    age = now - active.activated_at
    why = (_load_failure(active) if age > LOAD_TIMEOUT else "") or _list_faults(
        active, int(age.total_seconds()) // MINUTE
    )
    return _roll_back(why) if why else ""


def _load_failure(active: ModelVersion) -> str:
    try:
        held = cache.models_by_process().values()
        other = cache.next_model() not in (None, active.name)  # being activated: it is what processes report
    except CacheUnavailable:
        return ""
    if not held or other or active.name in held:
        return ""
    return f"none of the {len(held)} web processes could load it"


def _list_faults(active: ModelVersion, minutes: int) -> str:
    """The minute of the activation is not looked at: an earlier time of the same version may lie in it."""
    total = metrics.merge_buckets(metrics.read_buckets(MINUTE, minutes)) if minutes else {}
    begin = probe.counter_name(active.name, "")
    found = {name.removeprefix(begin): count for name, count in total.items() if name.startswith(begin)}
    asked = found.pop(probe.PROBES, 0)
    share = sum(found.values()) / asked if asked else 0.0
    if asked < MIN_LISTS or share <= MAX_FAULT_RATE:
        return ""
    earlier = registry.rollback_target()
    ranker = registry.load_for_comparison(earlier) if earlier is not None else None
    before = probe.fault_rate(ranker, probe.sample_viewers(active)) if ranker is not None else None
    if before is None or share <= MAX_FAULT_RATIO * before:
        return ""
    most = max(found, key=lambda name: found[name])
    return (
        f"{share:.0%} of {asked:,} lists that the server asked it for were faulty, mostly as it {most}; "
        f"under {earlier} {before:.0%} of the same viewers' lists are"
    )


def _roll_back(why: str) -> str:
    try:
        registry.rollback(why)
    except registry.ActivationRefused:
        return ""  # there is nothing to go back to
    return why
