"""A person's own export into a viewer's history: POST /users/{id}/history."""

import shutil
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.errors import DataFileError
from catalog.exchange.history_files import HistorySource
from catalog.exchange.history_import import import_history
from recommender.api.base_view import ApiView
from recommender.api.imports_exports import content_type_and_encoding
from recommender.api.openapi import operations
from recommender.api.user_data import check_viewer_id
from recommender.models import ApiKey
from recommender.serving.concurrency import FILE_TRANSFERS

MAX_BYTES_IN_MEMORY = 4 * 1024 * 1024  # bytes


class UnmatchedRowSerializer(serializers.Serializer):
    line = serializers.IntegerField(help_text="Of a JSON list the place, from 1.")
    title = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()


class HistoryAnswerSerializer(serializers.Serializer):
    source = serializers.ChoiceField(list(HistorySource))  # type: ignore[assignment]  # a field has a `source` of its own
    rows = serializers.IntegerField()
    by_id = serializers.IntegerField(help_text="Rows whose film was found by its id at IMDb or TMDB.")
    by_title = serializers.IntegerField(help_text="Rows whose film was found by title and year.")
    stored = serializers.IntegerField(help_text="Events that are new.")
    duplicates = serializers.IntegerField(help_text="Events that are there already.")
    unmatched = UnmatchedRowSerializer(many=True)


class HistoryImportView(ApiView):
    required_scope = ApiKey.Scope.EVENTS
    throttle_scope = "batch"

    @operations.operation(
        "users_history",
        "Reads what somebody exported from IMDb, Letterboxd or Trakt.",
        HistoryAnswerSerializer,
        request=dict.fromkeys(("text/csv", "application/json"), OpenApiTypes.BINARY),
    )
    def post(self, request: Request, user_id: int) -> Response:
        check_viewer_id(user_id)
        _, encoding = content_type_and_encoding(request)
        with FILE_TRANSFERS.slot(), SpooledTemporaryFile(MAX_BYTES_IN_MEMORY) as spool:
            shutil.copyfileobj(request._request, spool, 1 << 16)
            try:
                found = import_history(user_id, cast(BinaryIO, spool), encoding)
            except DataFileError as error:
                raise ValidationError(str(error)) from None
        return Response(found._asdict() | {"unmatched": [one._asdict() for one in found.unmatched]})
