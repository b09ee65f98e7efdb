"""The first nightly job of a new site, which need not wait for the schedule."""

from datetime import timedelta

from django.db.models.functions import Now

from catalog import selectors
from recommender import registry, training_data
from recommender.models import Job, ModelVersion

RETRY_AFTER = timedelta(hours=6)  # a failed one; the schedule's comes anyway


def is_due() -> bool:
    """Return whether there is no model of the present data set, enough to train one, and no failure just now."""
    if registry.active_name() or ModelVersion.objects.filter(data_set=selectors.data_set()).exists():
        return False
    failed = Job.objects.filter(kind=Job.Kind.NIGHTLY, status=Job.Status.FAILED)
    return not failed.filter(finished_at__gt=Now() - RETRY_AFTER).exists() and not training_data.missing_events()
