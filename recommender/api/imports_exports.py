"""POST /imports/{kind}, GET /jobs/{id}/rejected and GET /exports/{kind}.{form}: files in and out."""

from collections.abc import Mapping
from hashlib import blake2b, file_digest
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.http import Http404, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.paging import page_response
from catalog.api.strict import QueryValidationError
from catalog.api.strict import operation as bare_operation
from catalog.errors import DataFileError, MappingError
from catalog.exchange.csv_header import Columns
from catalog.exchange.row_export import export_rows
from catalog.exchange.row_files import WRITTEN_FORMATS, FileFormat
from catalog.exchange.row_import import Rejection, read_batches
from catalog.exchange.row_schemas import COLUMNS, FIELDS, RowKind
from catalog.limits import MAX_ID
from recommender.api.base_view import ApiView
from recommender.api.fast_serializer import FastSerializer
from recommender.api.fields import JsonBoolean, JsonInteger
from recommender.api.jobs import JobAnswerSerializer, create_import_job, job_body
from recommender.api.openapi.operations import ERROR_RESPONSES, operation
from recommender.api.uploads import content_type_and_encoding, uploaded_file
from recommender.ingest import imports
from recommender.models import ApiKey, Job
from recommender.serving.concurrency import FILE_TRANSFERS

FORMAT_BY_CONTENT_TYPE = {
    "application/x-ndjson": FileFormat.JSONL,
    "application/jsonl": FileFormat.JSONL,
    "text/csv": FileFormat.CSV,
    "application/vnd.apache.parquet": FileFormat.PARQUET,
}
CONTENT_TYPE_BY_FORMAT = {FileFormat.JSONL: "application/x-ndjson", FileFormat.CSV: "text/csv; charset=utf-8"}
IMPORT_SCOPES = {
    RowKind.MOVIES: ApiKey.Scope.CATALOGUE,
    RowKind.PEOPLE: ApiKey.Scope.CATALOGUE,
    RowKind.GENRES: ApiKey.Scope.CATALOGUE,
    RowKind.VIEWERS: ApiKey.Scope.ERASE,
    RowKind.EVENTS: ApiKey.Scope.EVENTS,
}
# Of imports that are no file of rows. A data set brings viewers, who go with it.
SCOPES_OF_OTHERS = {
    imports.HISTORY: ApiKey.Scope.EVENTS,
    "imdb": ApiKey.Scope.CATALOGUE,
    "tmdb": ApiKey.Scope.CATALOGUE,
    "wikidata": ApiKey.Scope.CATALOGUE,
    "movielens": ApiKey.Scope.ERASE,
}
# To read all that viewers did takes more than to add to it.
EXPORT_SCOPES = IMPORT_SCOPES | {RowKind.EVENTS: ApiKey.Scope.ERASE}
MAX_MAPPING_LENGTH = 2_000  # characters
KIND_PARAMETER = OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=[*RowKind])


class RejectedRowSerializer(serializers.Serializer):
    line = serializers.IntegerField()
    field = serializers.CharField(help_text="Empty: the row as a whole.")
    reason = serializers.CharField()


class RejectedAnswerSerializer(serializers.Serializer):
    results = RejectedRowSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="The address of the next page; null on the last.")


class RejectedQuerySerializer(FastSerializer):
    cursor = JsonInteger(default=-1, min_value=-1, max_value=MAX_ID, help_text="From `next` of the page before.")


class ImportQuerySerializer(FastSerializer):
    create_genres = JsonBoolean(
        default=False, help_text="Of films: whether genres that are new are made. An empty catalogue gets them anyway."
    )
    map = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=MAX_MAPPING_LENGTH,
        help_text="Which column is which field: user_id=customer,movie_id=sku. Unknown columns are left out then.",
    )
    set = serializers.CharField(
        default="", allow_blank=True, max_length=MAX_MAPPING_LENGTH, help_text="What every row has: kind=rating."
    )
    dry_run = JsonBoolean(
        default=False, help_text="Writes nothing: the job's result says what would be made, changed and rejected."
    )


class ImportsView(ApiView):
    """Serve POST /imports/{kind}."""

    throttle_scope = "batch"

    @property
    def required_scope(self) -> str:  # type: ignore[override]
        """Return the scope that rows of this kind need."""
        return IMPORT_SCOPES[_kind_or_404(getattr(self, "kwargs", {}))]

    @operation(
        "imports",
        "Brings films, people, genres, viewers or events in from a file; a job tells what became of the rows.",
        JobAnswerSerializer,
        status=202,
        request=dict.fromkeys(FORMAT_BY_CONTENT_TYPE, OpenApiTypes.BINARY),
        parameters=[KIND_PARAMETER, ImportQuerySerializer],
    )
    def post(self, request: Request, kind: str) -> Response:
        """Store the rows of a file and start the job that imports them."""
        content_type, encoding = content_type_and_encoding(request)
        file_format = FORMAT_BY_CONTENT_TYPE.get(content_type)
        if file_format is None:
            raise UnsupportedMediaType(
                request.content_type or "nothing", f"Send {' or '.join(FORMAT_BY_CONTENT_TYPE)}."
            )
        columns = _columns(RowKind(kind), self.validated)
        with uploaded_file(request) as file:
            digest = file_digest(cast(Any, file), lambda: blake2b(digest_size=16))
            digest.update(self.validated["set"].encode())  # it may name a viewer, whom the job must not outlive
            file.seek(0)
            parameters: dict[str, Any] = {"of": str(RowKind(kind)), "form": str(file_format)}
            parameters["digest"] = digest.hexdigest()
            parameters |= {"create_genres": True} if self.validated["create_genres"] else {}
            parameters |= {"encoding": encoding} if encoding not in (None, "utf-8") else {}
            parameters |= {name: self.validated[name] for name in ("map", imports.DRY_RUN) if self.validated[name]}
            job = create_import_job(
                cast(Any, request.auth),
                request.headers.get("Idempotency-Key"),
                parameters,
                lambda new_job: _save_rows(new_job, file, columns, encoding),
            )
        return Response(job_body(job), status=202, headers={"Location": f"/jobs/{job.pk}"})


class RejectedView(ApiView):
    """Serve GET /jobs/{id}/rejected."""

    throttle_scope = "batch"

    @property
    def required_scope(self) -> str:  # type: ignore[override]
        """Return the scope that the import itself needed."""
        return import_scope(self) or ApiKey.Scope.READ

    @operation(
        "imports_rejected",
        "Every row of an import that was rejected, a page at a time.",
        RejectedAnswerSerializer,
        parameters=[RejectedQuerySerializer],
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """List the rejected rows of an import."""
        if not Job.objects.filter(pk=job_id, kind=Job.Kind.IMPORT).exists():
            raise Http404(f"There is no import {job_id}.")
        rejections, next_cursor = imports.rejections_after(job_id, self.validated["cursor"])
        return page_response(request, [Rejection(*row)._asdict() for row in rejections], next_cursor)


class ExportsView(ApiView):
    """Serve GET /exports/{kind}.{form}."""

    throttle_scope = "batch"

    @property
    def required_scope(self) -> str:  # type: ignore[override]
        """Return the scope that rows of this kind need."""
        return EXPORT_SCOPES[_kind_or_404(getattr(self, "kwargs", {}))]

    @bare_operation(
        operation_id="exports",
        summary="All films, people, genres, viewers or events, as a file that POST /imports takes.",
        tags=["imports"],
        parameters=[KIND_PARAMETER, OpenApiParameter("form", str, OpenApiParameter.PATH, enum=[*WRITTEN_FORMATS])],
        responses={
            **{
                (200, content_type): OpenApiTypes.BINARY
                for content_type, file_format in FORMAT_BY_CONTENT_TYPE.items()
                if file_format in WRITTEN_FORMATS
            },
            **ERROR_RESPONSES,
        },
    )
    def get(self, request: Request, kind: str, form: str) -> StreamingHttpResponse:
        """Stream all rows of a kind."""
        if form not in WRITTEN_FORMATS:
            raise Http404(f"There is no form {form[:20]}: {' or '.join(WRITTEN_FORMATS)}.")
        return StreamingHttpResponse(
            FILE_TRANSFERS.stream(export_rows(RowKind(kind), FileFormat(form))),
            content_type=CONTENT_TYPE_BY_FORMAT[FileFormat(form)],
            headers={"Content-Disposition": f'attachment; filename="{kind}.{form}"'},
        )


def import_scope(view: ApiView) -> str | None:
    """Return the scope that the import of a view's address needed; None where there is no such import."""
    job_id = getattr(view, "kwargs", {}).get("job_id")
    job = Job.objects.filter(pk=job_id, kind=Job.Kind.IMPORT).first() if job_id else None
    if job is None:
        return None
    return SCOPES_OF_OTHERS.get(job.parameters["of"]) or IMPORT_SCOPES[RowKind(job.parameters["of"])]


def _kind_or_404(kwargs: dict[str, Any]) -> RowKind:
    try:
        return RowKind(kwargs.get("kind", RowKind.MOVIES))
    except ValueError:
        raise Http404(f"There are only {', '.join(FIELDS)} to bring in and to take out.") from None


def _columns(kind: RowKind, query: Mapping[str, Any]) -> Columns:
    """Return the columns of the file. Raises QueryValidationError for a mapping that cannot be read."""
    columns = COLUMNS[kind]
    for name, pairs in (("map", ([query["map"]], [])), ("set", ([query["map"]], [query["set"]]))):
        try:
            columns = COLUMNS[kind].mapped(*pairs)
        except MappingError as error:
            raise QueryValidationError({name: [str(error)]}) from None
    return columns


def _save_rows(job: Job, file: BinaryIO, columns: Columns, encoding: str | None) -> None:
    file_format = FileFormat(job.parameters["form"])
    batches = read_batches(
        RowKind(job.parameters["of"]),
        file,
        file_format,
        "the body",
        columns=columns,
        encoding=encoding,
        max_rows=imports.MAX_ROWS,
    )
    try:
        if not imports.save_rows(job, batches):
            raise ValidationError("The file has no rows.")
    except (DataFileError, imports.TooManyRows) as error:
        raise ValidationError(str(error)) from None
    job.refresh_from_db(fields=["total"])
