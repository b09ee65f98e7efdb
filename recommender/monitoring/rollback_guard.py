"""Watch a model in its first hour and roll back to the previous version where it is faulty.

Only what no client can influence counts: the lists of viewers that the server samples (`probe`), and whether any web
process could load the model. The previous version has to be better for the very same viewers: a history that breaks
every model, or a database or catalogue that changed, is no fault of the new one.
"""

from datetime import timedelta

from django.utils import timezone

from recommender import cache, registry
from recommender.cache import CacheUnavailable
from recommender.models import ModelVersion
from recommender.monitoring import probe
from recommender.serving import metrics

MINUTE = 60  # seconds
MIN_LISTS = 50  # lists before a fault rate is judged
MAX_FAULT_RATE = 0.1  # a rate up to this is never held against a model
MAX_FAULT_RATIO = 2.0  # fault rate of the new version over that of the previous one
LOAD_TIMEOUT = timedelta(minutes=3)  # until at least one web process has to hold the model


def rollback_if_faulty() -> str:
    """Roll back where the model that went live within the hour is faulty. Return the reason, or an empty string."""
    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).first()
    now = timezone.now()
    if active is None or active.activated_at is None or now - active.activated_at > probe.WATCH_WINDOW:
        return ""
    age = now - active.activated_at
    reason = _load_failure(active) if age > LOAD_TIMEOUT else ""
    reason = reason or _list_faults(active, int(age.total_seconds()) // MINUTE)
    if reason:
        try:
            registry.rollback(reason)
        except registry.ActivationRefused:
            return ""  # there is nothing to go back to
    return reason


def _load_failure(active: ModelVersion) -> str:
    """Return the reason where no web process could load the active model, else an empty string."""
    try:
        loaded = cache.models_by_process().values()
        is_activating = cache.next_model() not in (None, active.name)  # processes report the next model then
    except CacheUnavailable:
        return ""
    if not loaded or is_activating or active.name in loaded:
        return ""
    return f"none of the {len(loaded)} web processes could load it"


def _list_faults(active: ModelVersion, minutes: int) -> str:
    """Return the reason where too many probed lists were faulty, else an empty string.

    The minute of the activation is not counted: an earlier activation of the same version may lie in it.
    """
    counts = metrics.merge_buckets(metrics.read_buckets(MINUTE, minutes)) if minutes else {}
    prefix = probe.counter_name(active.name, "")
    faults = {name.removeprefix(prefix): count for name, count in counts.items() if name.startswith(prefix)}
    probes = faults.pop(probe.PROBES, 0)
    rate = sum(faults.values()) / probes if probes else 0.0
    if probes < MIN_LISTS or rate <= MAX_FAULT_RATE:
        return ""
    previous = registry.rollback_target()
    ranker = registry.load_for_comparison(previous) if previous is not None else None
    previous_rate = probe.fault_rate(ranker, probe.sample_viewers(active)) if ranker is not None else None
    if previous_rate is None or rate <= MAX_FAULT_RATIO * previous_rate:
        return ""
    most_frequent = max(faults, key=lambda name: faults[name])
    return (
        f"{rate:.0%} of {probes:,} lists that the server asked it for were faulty, mostly as it {most_frequent}; "
        f"under {previous} {previous_rate:.0%} of the same viewers' lists are"
    )
