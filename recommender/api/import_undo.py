"""DELETE /jobs/{id}/import: take an import back as a whole."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.strict import token_viewer
from catalog.plurals import count_noun
from recommender import tasks
from recommender.api.access.viewer_token_auth import TokenScope
from recommender.api.base_view import ApiView
from recommender.api.imports_exports import IMPORT_SCOPES, import_scope
from recommender.api.jobs import JobAnswerSerializer, job_body
from recommender.api.openapi.operations import operation
from recommender.ingest import history_files
from recommender.ingest.import_undo import CannotTakeBack
from recommender.models import ApiKey, Job


class ImportCannotBeTakenBack(APIException):
    """It is not known what the import made, or it made nothing."""

    status_code = 409


class ImportUndoView(ApiView):
    """Serve DELETE /jobs/{id}/import."""

    throttle_scope = "batch"
    allow_viewer_token = True  # that of a viewer's own file
    token_scope = TokenScope.IMPORT

    def accepts_viewer(self, request: Request) -> bool:
        """Accept a viewer's token: delete() takes back the viewer's own files alone."""
        return True

    @property
    def required_scope(self) -> str:  # type: ignore[override]
        """Return the scope that the import itself needed."""
        return import_scope(self) or ApiKey.Scope.EVENTS

    @property
    def alternative_scopes(self) -> tuple[str, ...]:
        """Return every scope of imports where there is no such import: any of their keys may be told so."""
        return () if import_scope(self) else tuple(IMPORT_SCOPES.values())

    @operation(
        "imports_delete",
        "Takes an import back as a whole: a job deletes what it made and nothing else has changed or uses since.",
        JobAnswerSerializer,
        status=(200, 202),
    )
    def delete(self, request: Request, job_id: UUID) -> Response:
        """Start the job that takes an import back, or return the one that does or did so."""
        viewer = token_viewer(request)
        try:
            if viewer is not None and not history_files.is_file_of(Job.objects.get(pk=job_id), viewer):
                raise Job.DoesNotExist
            job = tasks.enqueue_import_undo(job_id)
        except Job.DoesNotExist:
            known = (
                f"one is known, and can be taken back, for {count_noun(settings.JOBS_KEPT_DAYS, 'day')} after it ended"
            )
            raise Http404(f"There is no import {job_id}: {known}.") from None
        except CannotTakeBack as reason:
            raise ImportCannotBeTakenBack(str(reason), reason.code) from None
        status: Any = 200 if job.status == Job.Status.DONE else 202
        return Response(job_body(job), status=status, headers={"Location": f"/jobs/{job.pk}"})
