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
from catalog.exchange.bring_history import bring_history
from catalog.exchange.personal import Source
from recommender.api import schema
from recommender.api.bulk import content
from recommender.api.users import possible
from recommender.api.views import ApiView
from recommender.models import ApiKey
from recommender.serving.capacity import FILES

IN_MEMORY = 4 * 1024 * 1024  # bytes


class UnmatchedRow(serializers.Serializer):
    line = serializers.IntegerField(help_text="Of a JSON list the place, from 1.")
    title = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField()


class HistoryAnswer(serializers.Serializer):
    source = serializers.ChoiceField(list(Source))  # type: ignore[assignment]  # a field has a `source` of its own
    rows = serializers.IntegerField()
    by_id = serializers.IntegerField(help_text="Rows whose film was found by its id at IMDb or TMDB.")
    by_title = serializers.IntegerField(help_text="Rows whose film was found by title and year.")
    stored = serializers.IntegerField(help_text="Events that are new.")
    duplicates = serializers.IntegerField(help_text="Events that are there already.")
    unmatched = UnmatchedRow(many=True)


class HistoryView(ApiView):
    required_scope = ApiKey.Scope.EVENTS
    throttle_scope = "batch"

    @schema.call(
        "users_history",
        "Reads what somebody exported from IMDb, Letterboxd or Trakt.",
        HistoryAnswer,
        request=dict.fromkeys(("text/csv", "application/json"), OpenApiTypes.BINARY),
    )
    def post(self, request: Request, user_id: int) -> Response:
        possible(user_id)
        _, encoding = content(request)
        with FILES.place(), SpooledTemporaryFile(IN_MEMORY) as spool:
            shutil.copyfileobj(request._request, spool, 1 << 16)
            try:
                found = bring_history(user_id, cast(BinaryIO, spool), encoding)
            except DataFileError as error:
                raise ValidationError(str(error)) from None
        return Response(found._asdict() | {"unmatched": [one._asdict() for one in found.unmatched]})
