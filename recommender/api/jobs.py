"""GET /jobs/{id}, and jobs that other calls start: a Job row, created once for an Idempotency-Key, then enqueued."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.strict import token_viewer
from recommender import tasks
from recommender.api.access.authentication import ApiPrincipal
from recommender.api.access.viewer_token_auth import TokenScope
from recommender.api.base_view import ApiView
from recommender.api.fields import JsonString
from recommender.api.openapi.operations import operation
from recommender.ingest import history_files
from recommender.ingest.imports import FIRST_GENRES
from recommender.jobs.results import readable_result
from recommender.models import ApiKey, Job

FillJob = Callable[[Job], object]
IDEMPOTENCY_KEY = JsonString(r"^[!-~]{1,128}\Z")


class IdempotencyMismatch(APIException):
    """The same Idempotency-Key came with another body."""

    status_code = 422
    default_detail = "This Idempotency-Key came with another body before: send a new key with a new body."
    default_code = "idempotency_mismatch"


class JobAnswerSerializer(serializers.Serializer):
    job_id = serializers.UUIDField()
    kind = serializers.CharField()
    status = serializers.ChoiceField(["queued", "running", "done", "failed", "cancelled"])
    phase = serializers.CharField()
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    result = serializers.DictField()
    error = serializers.CharField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class JobView(ApiView):
    """Serve GET /jobs/{id}."""

    alternative_scopes = tuple(ApiKey.Scope)  # a key that may start a job may follow it
    allow_viewer_token = True  # that of a viewer's own file
    token_scope = TokenScope.IMPORT

    def accepts_viewer(self, request: Request) -> bool:
        """Accept a viewer's token: get() answers for the viewer's own jobs alone."""
        return True

    @operation("jobs_read", "How a job is getting on.", JobAnswerSerializer)
    def get(self, request: Request, job_id: UUID) -> Response:
        """Return a job's status, progress and result."""
        job, viewer = Job.objects.filter(pk=job_id).first(), token_viewer(request)
        if job is None or (viewer is not None and not history_files.is_file_of(job, viewer)):
            raise Http404(f"There is no job {job_id}.")
        return Response(job_body(job))


def job_body(job: Job) -> dict[str, Any]:
    """Return a job as the JSON of the API."""
    return {
        "job_id": str(job.id),
        "kind": job.kind,
        "status": job.status,
        "phase": job.phase,
        "done": job.done,
        "total": job.total,
        "result": readable_result(job),
        "error": job.error,
        "created_at": job.created_at.isoformat(),
        "started_at": job.started_at and job.started_at.isoformat(),
        "finished_at": job.finished_at and job.finished_at.isoformat(),
    }


def create_batch_job(principal: ApiPrincipal, key: str | None, parameters: Mapping[str, Any]) -> Job:
    """Create and enqueue a batch; return the job that the same Idempotency-Key created before, if there is one."""
    return _create_once(principal, key, {"kind": Job.Kind.BATCH, "parameters": dict(parameters)})


def create_import_job(principal: ApiPrincipal, key: str | None, parameters: Mapping[str, Any], fill: FillJob) -> Job:
    """Create and enqueue an import, or return that of the same Idempotency-Key. `fill` stores the rows of a new one."""
    return _create_once(principal, key, {"kind": Job.Kind.IMPORT, "parameters": dict(parameters)}, fill)


def _create_once(
    principal: ApiPrincipal, key: str | None, values: Mapping[str, Any], fill: FillJob | None = None
) -> Job:
    """Create a job with VALUES, or return that of the same key, client and body. Raises IdempotencyMismatch."""
    if key is None:
        return _create_and_enqueue(None, values, fill)
    try:
        IDEMPOTENCY_KEY.run_validation(key)
    except ValidationError:
        raise ValidationError({"Idempotency-Key": "must be 1 to 128 printable ASCII characters."}) from None
    job = _create_and_enqueue(f"{principal.prefix}:{key}", values, fill)
    asked_for = {name: value for name, value in job.parameters.items() if name != FIRST_GENRES}
    if (job.kind, asked_for) != (values["kind"], values["parameters"]):
        raise IdempotencyMismatch
    return job


def _create_and_enqueue(key: str | None, values: Mapping[str, Any], fill: FillJob | None) -> Job:
    with transaction.atomic():
        if key is None:
            job, is_new = Job.objects.create(**values), True
        else:  # of two at once, the second waits for the first one's row and finds it
            job, is_new = Job.objects.get_or_create(idempotency_key=key, defaults=values)
        if is_new:
            if fill is not None:
                fill(job)
            tasks.enqueue(job)
    return job
