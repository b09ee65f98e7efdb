"""Files in and out: POST /imports/{kind}, what of it was rejected, and GET /exports/{kind}.{form}."""

import shutil
from hashlib import blake2b
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.http import Http404, StreamingHttpResponse
from django.utils.http import parse_header_parameters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.paging import page_response
from catalog.api.strict import operation
from catalog.errors import DataFileError
from catalog.exchange.row_export import export_rows
from catalog.exchange.row_files import FileFormat, read_rows
from catalog.exchange.row_import import Rejection, batched
from catalog.exchange.row_schemas import COLUMNS, FIELDS, RowKind
from catalog.exchange.text_encoding import ENCODINGS, python_encoding
from catalog.limits import MAX_ID
from recommender.api import jobs, present
from recommender.api.base_view import ApiView
from recommender.api.list_requests import FastSerializer, StrictInteger
from recommender.api.list_responses import JobAnswerSerializer
from recommender.api.openapi import operations
from recommender.ingest import imports
from recommender.models import ApiKey, Job
from recommender.serving.concurrency import FILE_TRANSFERS

FORMAT_BY_CONTENT_TYPE = {
    "application/x-ndjson": FileFormat.JSONL,
    "application/jsonl": FileFormat.JSONL,
    "text/csv": FileFormat.CSV,
}
CONTENT_TYPE_BY_FORMAT = {FileFormat.JSONL: "application/x-ndjson", FileFormat.CSV: "text/csv; charset=utf-8"}
MAX_BYTES_IN_MEMORY = 4 * 1024 * 1024  # bytes of a file; what is more lies on disk while it is read
IMPORT_SCOPES = {
    RowKind.MOVIES: ApiKey.Scope.CATALOGUE,
    RowKind.PEOPLE: ApiKey.Scope.CATALOGUE,
    RowKind.VIEWERS: ApiKey.Scope.ERASE,
    RowKind.EVENTS: ApiKey.Scope.EVENTS,
}
EXPORT_SCOPES = IMPORT_SCOPES | {
    RowKind.EVENTS: ApiKey.Scope.ERASE
}  # all that viewers did is another matter than to add to it
KIND_PARAMETER = OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=[*RowKind])


class RejectedRowSerializer(serializers.Serializer):
    line = serializers.IntegerField()
    field = serializers.CharField(help_text="Empty: the row as a whole.")
    reason = serializers.CharField()


class RejectedAnswerSerializer(serializers.Serializer):
    results = RejectedRowSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="The address of the next page; null on the last.")


class RejectedQuerySerializer(FastSerializer):
    cursor = StrictInteger(default=-1, min_value=-1, max_value=MAX_ID, help_text="From `next` of the page before.")


class ImportsView(ApiView):
    throttle_scope = "batch"

    @property
    def required_scope(self) -> str:  # type: ignore[override]
        return IMPORT_SCOPES[_kind_or_404(getattr(self, "kwargs", {}))]

    @operations.operation(
        "imports",
        "Brings films, people, viewers or events in from a file; a job tells what became of the rows.",
        JobAnswerSerializer,
        status=202,
        request=dict.fromkeys(FORMAT_BY_CONTENT_TYPE, OpenApiTypes.BINARY),
        parameters=[KIND_PARAMETER],
    )
    def post(self, request: Request, kind: str) -> Response:
        sent, encoding = content_type_and_encoding(request)
        form = FORMAT_BY_CONTENT_TYPE.get(sent)
        if form is None:
            raise UnsupportedMediaType(
                request.content_type or "nothing", f"Send {' or '.join(FORMAT_BY_CONTENT_TYPE)}."
            )
        with FILE_TRANSFERS.slot(), SpooledTemporaryFile(MAX_BYTES_IN_MEMORY) as spool:
            file = cast(BinaryIO, spool)
            asked = {"of": str(RowKind(kind)), "form": str(form), "digest": _spool(request, file)}
            asked |= {"encoding": encoding} if encoding not in (None, "utf-8") else {}
            key = request.headers.get("Idempotency-Key")
            job = jobs.create_import_job(
                cast(Any, request.auth), key, asked, lambda job: _save_rows(job, file, encoding)
            )
        return Response(present.job_body(job), status=202, headers={"Location": f"/jobs/{job.pk}"})


class RejectedView(ApiView):
    throttle_scope = "batch"

    @property
    def required_scope(self) -> str:  # type: ignore[override]
        asked = getattr(self, "kwargs", {}).get("job_id")
        job = Job.objects.filter(pk=asked, kind=Job.Kind.IMPORT).first() if asked else None
        return IMPORT_SCOPES[RowKind(job.parameters["of"])] if job else ApiKey.Scope.READ

    @operations.operation(
        "imports_rejected",
        "Every row of an import that was rejected, a page at a time.",
        RejectedAnswerSerializer,
        parameters=[RejectedQuerySerializer],
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        if not Job.objects.filter(pk=job_id, kind=Job.Kind.IMPORT).exists():
            raise Http404(f"There is no import {job_id}.")
        behind = self.validated["cursor"]
        reasons, following = imports.rejections_after(job_id, behind)
        return page_response(request, [Rejection(*one)._asdict() for one in reasons], following)


class ExportsView(ApiView):
    throttle_scope = "batch"

    @property
    def required_scope(self) -> str:  # type: ignore[override]
        return EXPORT_SCOPES[_kind_or_404(getattr(self, "kwargs", {}))]

    @operation(
        operation_id="exports",
        summary="All films, people, viewers or events, as a file that POST /imports takes.",
        tags=["imports"],
        parameters=[KIND_PARAMETER, OpenApiParameter("form", str, OpenApiParameter.PATH, enum=[*FileFormat])],
        responses={
            **{(200, kind): OpenApiTypes.BINARY for kind in FORMAT_BY_CONTENT_TYPE},
            **operations.ERROR_RESPONSES,
        },
    )
    def get(self, request: Request, kind: str, form: str) -> StreamingHttpResponse:
        if form not in [*FileFormat]:
            raise Http404(f"There is no form {form[:20]}: {' or '.join(FileFormat)}.")
        text = map("".join, batched(export_rows(RowKind(kind), FileFormat(form))))
        named = {"Content-Disposition": f'attachment; filename="{kind}.{form}"'}
        return StreamingHttpResponse(
            FILE_TRANSFERS.stream(text), content_type=CONTENT_TYPE_BY_FORMAT[FileFormat(form)], headers=named
        )


def _kind_or_404(kwargs: dict[str, Any]) -> RowKind:
    try:
        return RowKind(kwargs.get("kind", RowKind.MOVIES))
    except ValueError:
        raise Http404(f"There are only {', '.join(FIELDS)} to bring in and to take out.") from None


def _spool(request: Request, file: BinaryIO) -> str:
    """Reads the body into the file and returns its digest."""
    shutil.copyfileobj(request._request, file, 1 << 16)
    file.seek(0)
    digest = blake2b(digest_size=16)
    while piece := file.read(1 << 16):
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


def content_type_and_encoding(request: Request) -> tuple[str, str | None]:
    """The content type of a file, and the encoding that it names. Raises UnsupportedMediaType."""
    kind, more = parse_header_parameters(request.content_type or "")
    named = more.get("charset")
    encoding = python_encoding(named) if named else None
    if named and encoding is None:
        raise UnsupportedMediaType(request.content_type, f"Send a charset of {', '.join(ENCODINGS)}.")
    return kind, encoding


def _save_rows(job: Job, file: BinaryIO, encoding: str | None) -> None:
    kind, form = RowKind(job.parameters["of"]), FileFormat(job.parameters["form"])
    rows = read_rows(file, form, "the body", columns=COLUMNS[kind], encoding=encoding)
    try:
        if not imports.save_rows(job, rows):
            raise ValidationError("The file has no rows.")
    except (DataFileError, imports.TooManyRows) as error:
        raise ValidationError(str(error)) from None
    job.refresh_from_db(fields=["total"])
