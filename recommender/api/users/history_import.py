"""POST /users/{id}/history: a person's own export from another service, into the viewer's history."""

from hashlib import blake2b, file_digest
from typing import Any, cast

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.strict import token_viewer
from catalog.errors import DataFileError
from catalog.exchange.history.dates import DateOrder
from catalog.exchange.history.importing import match_rows, store_history
from catalog.exchange.history.reading import MAX_OTHER_ROWS, ReadOptions, read_history
from catalog.exchange.history.rows import LIST_KINDS, HistorySource
from recommender.api.access.throttles import ViewerImportsThrottle
from recommender.api.access.viewer_token_auth import TokenScope
from recommender.api.fast_serializer import FastSerializer
from recommender.api.fields import JsonBoolean
from recommender.api.jobs import JobAnswerSerializer, create_import_job, job_body
from recommender.api.openapi.operations import operation
from recommender.api.uploads import content_type_and_encoding, uploaded_file, uploaded_name
from recommender.api.users.path_viewer import viewer_of_path
from recommender.api.users.profiles import ReadWriteView
from recommender.ingest import history_files
from recommender.ingest.imports import DRY_RUN, HISTORY
from recommender.models import ApiKey

MAX_PROFILE_LENGTH = 200  # characters


class HistoryQuerySerializer(FastSerializer):
    kind = serializers.ChoiceField(
        [*LIST_KINDS],
        required=False,
        help_text="What the films of a list are, where neither its rows nor its file's name say it.",
    )
    date_order = serializers.ChoiceField(
        [*DateOrder], required=False, help_text="Of dates like 03/04/2021, where the file does not show it."
    )
    profile = serializers.CharField(
        required=False, max_length=MAX_PROFILE_LENGTH, help_text="Whose rows are read, of a file of several people."
    )
    dry_run = JsonBoolean(default=False, help_text="Store nothing; the answer says what would be stored.")


class UnmatchedRowSerializer(serializers.Serializer):
    file = serializers.CharField(help_text="Of an archive; else empty.")
    line = serializers.IntegerField(help_text="Of a JSON list the place, from 1.")
    title = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()


class HistoryFileSerializer(serializers.Serializer):
    name = serializers.CharField()
    source = serializers.CharField(help_text="The site it is from; empty: it is none that is known.")  # type: ignore[assignment]
    rows = serializers.IntegerField(help_text="Of films.")
    left_out = serializers.CharField(help_text="Why none of it was read; else empty.")


class HistoryAnswerSerializer(serializers.Serializer):
    source = serializers.ChoiceField(list(HistorySource))  # type: ignore[assignment]  # a field has a `source` of its own
    rows = serializers.IntegerField()
    by_id = serializers.IntegerField(help_text="Rows whose film was found by its id at IMDb or TMDB.")
    by_title = serializers.IntegerField(help_text="Rows whose film was found by title and year.")
    stored = serializers.IntegerField(help_text="Events that are new.")
    duplicates = serializers.IntegerField(help_text="Events that are there already.")
    merged = serializers.IntegerField(help_text="Rows that say nothing beside other rows of their film.")
    events = serializers.DictField(child=serializers.IntegerField(), help_text="What the rows say, by kind of event.")
    other_rows = serializers.IntegerField(help_text=f"Of episodes and games; {MAX_OTHER_ROWS:,} at most are listed.")
    unmatched = UnmatchedRowSerializer(many=True)
    files = HistoryFileSerializer(many=True)
    dry_run = serializers.BooleanField()
    job_id = serializers.UUIDField(allow_null=True, help_text="DELETE /jobs/{id}/import takes it back. Dry run: null.")


class HistoryImportView(ReadWriteView):
    """Serve POST /users/{id}/history."""

    write_scope = ApiKey.Scope.EVENTS
    write_throttle_scope = "batch"
    allow_viewer_token = True

    @property
    def token_scope(self) -> str | None:
        """The scope that a viewer's token needs for the current call; None: any will do."""
        return None if self._is_read() else TokenScope.IMPORT

    @operation(
        "users_history",
        "Reads what somebody took along from another site: an archive or a file. A long one is stored by a job.",
        HistoryAnswerSerializer,
        other_answers={202: JobAnswerSerializer},
        request=dict.fromkeys(("text/csv", "application/json", "application/zip"), OpenApiTypes.BINARY),
        parameters=[HistoryQuerySerializer],
    )
    def post(self, request: Request, user_id: str) -> Response:
        """Import a person's export; the answer, or the result of its job, lists the rows that match no movie."""
        viewer, query = viewer_of_path(user_id), self.validated
        if token_viewer(request) is not None:
            ViewerImportsThrottle().spend(request)
        _, encoding = content_type_and_encoding(request)
        options = ReadOptions(
            uploaded_name(request),
            encoding,
            LIST_KINDS[query["kind"]] if "kind" in query else None,
            DateOrder(query["date_order"]) if "date_order" in query else None,
            query.get("profile", ""),
        )
        is_dry_run = bool(query["dry_run"])
        with uploaded_file(request) as file:
            try:
                history = read_history(file, options)
            except DataFileError as error:
                raise ValidationError(str(error)) from None
            if history_files.is_long(history):
                file.seek(0)
                digest = file_digest(cast(Any, file), lambda: blake2b(str(viewer).encode(), digest_size=16))
                job = create_import_job(
                    cast(Any, request.auth),
                    request.headers.get("Idempotency-Key"),
                    {"of": HISTORY, "digest": digest.hexdigest()} | ({DRY_RUN: True} if is_dry_run else {}),
                    lambda new_job: history_files.save_rows(new_job, viewer, history),
                )
                return Response(job_body(job), status=202, headers={"Location": f"/jobs/{job.pk}"})
            if is_dry_run:
                report, job_id = store_history(viewer, history, match_rows(history.rows), dry_run=True), None
            else:
                report, job = history_files.store_now(viewer, history)
                job_id = str(job.pk)
        return Response(history_files.report_body(report) | {"job_id": job_id})
