"""Long work asked for over HTTP: a Job row, enqueued after commit, created once for an Idempotency-Key."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction
from rest_framework.exceptions import ValidationError

from recommender import tasks
from recommender.api.access.authentication import ApiPrincipal
from recommender.api.fields import StrictString
from recommender.api.http.errors import IdempotencyMismatch
from recommender.models import Job

FillJob = Callable[[Job], object]
IDEMPOTENCY_KEY = StrictString(r"^[!-~]{1,128}\Z")


def create_batch_job(client: ApiPrincipal, key: str | None, parameters: Mapping[str, Any]) -> Job:
    return _create_once(client, key, {"kind": Job.Kind.BATCH, "parameters": dict(parameters)})


def create_import_job(
    client: ApiPrincipal, key: str | None, parameters: Mapping[str, Any], fill: FillJob | None
) -> Job:
    """`fill` keeps the rows of a new one."""
    return _create_once(client, key, {"kind": Job.Kind.IMPORT, "parameters": dict(parameters)}, fill)


def _create_once(client: ApiPrincipal, key: str | None, fresh: Mapping[str, Any], fill: FillJob | None = None) -> Job:
    """A new job, or the one that the same Idempotency-Key of the same client made with the same body."""
    if key is None:
        return _create_and_enqueue(None, fresh, fill)
    try:
        IDEMPOTENCY_KEY.run_validation(key)
    except ValidationError:
        raise ValidationError({"Idempotency-Key": "must be 1 to 128 printable ASCII characters."}) from None
    job = _create_and_enqueue(f"{client.prefix}:{key}", fresh, fill)
    if (job.kind, job.parameters) != (fresh["kind"], fresh["parameters"]):
        raise IdempotencyMismatch
    return job


def _create_and_enqueue(key: str | None, fresh: Mapping[str, Any], fill: FillJob | None) -> Job:
    with transaction.atomic():
        # Two at once: the second waits for the first one's row and finds it.
        job, created = (Job.objects.create(**fresh), True) if key is None else _get_or_create(key, fresh)
        if created:
            if fill is not None:
                fill(job)
            tasks.enqueue(job)
    return job


def _get_or_create(key: str, fresh: Mapping[str, Any]) -> tuple[Job, bool]:
    return Job.objects.get_or_create(idempotency_key=key, defaults=fresh)
