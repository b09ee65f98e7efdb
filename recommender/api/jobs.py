"""Long work asked for over HTTP: a Job row, enqueued after commit, created once for an Idempotency-Key."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction
from rest_framework.exceptions import ValidationError

from recommender import tasks
from recommender.api.access import Client
from recommender.api.errors import IdempotencyMismatch
from recommender.api.fields import Text
from recommender.models import Job

Fill = Callable[[Job], object]
KEY = Text(r"^[!-~]{1,128}\Z")


def batch_job(client: Client, key: str | None, parameters: Mapping[str, Any]) -> Job:
    return _job(client, key, {"kind": Job.Kind.BATCH, "parameters": dict(parameters)})


def import_job(client: Client, key: str | None, parameters: Mapping[str, Any], fill: Fill | None) -> Job:
    """`fill` keeps the rows of a new one."""
    return _job(client, key, {"kind": Job.Kind.IMPORT, "parameters": dict(parameters)}, fill)


def _job(client: Client, key: str | None, fresh: Mapping[str, Any], fill: Fill | None = None) -> Job:
    """A new job, or the one that the same Idempotency-Key of the same client made with the same body."""
    if key is None:
        return _enqueued(None, fresh, fill)
    try:
        KEY.run_validation(key)
    except ValidationError:
        raise ValidationError({"Idempotency-Key": "must be 1 to 128 printable ASCII characters."}) from None
    job = _enqueued(f"{client.prefix}:{key}", fresh, fill)
    if (job.kind, job.parameters) != (fresh["kind"], fresh["parameters"]):
        raise IdempotencyMismatch
    return job


def _enqueued(key: str | None, fresh: Mapping[str, Any], fill: Fill | None) -> Job:
    with transaction.atomic():
        # Two at once: the second waits for the first one's row and finds it.
        job, created = (Job.objects.create(**fresh), True) if key is None else _once(key, fresh)
        if created:
            if fill is not None:
                fill(job)
            tasks.enqueue(job)
    return job


def _once(key: str, fresh: Mapping[str, Any]) -> tuple[Job, bool]:
    return Job.objects.get_or_create(idempotency_key=key, defaults=fresh)
