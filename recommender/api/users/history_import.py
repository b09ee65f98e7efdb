"""POST /users/{id}/history: a person's own export from another service, into the viewer's history."""

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.errors import DataFileError
from catalog.exchange.history_files import HistorySource
from catalog.exchange.history_import import import_history
from recommender.api.openapi.operations import operation
from recommender.api.uploads import content_type_and_encoding, uploaded_file
from recommender.api.users.path_viewer import viewer_of_path
from recommender.api.users.profiles import ReadWriteView
from recommender.models import ApiKey


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


class HistoryImportView(ReadWriteView):
    """Serve POST /users/{id}/history."""

    write_scope = ApiKey.Scope.EVENTS
    write_throttle_scope = "batch"

    @operation(
        "users_history",
        "Reads what somebody exported from IMDb, Letterboxd or Trakt.",
        HistoryAnswerSerializer,
        request=dict.fromkeys(("text/csv", "application/json"), OpenApiTypes.BINARY),
    )
    def post(self, request: Request, user_id: str) -> Response:
        """Import a person's export; the answer lists the rows that match no movie."""
        viewer = viewer_of_path(user_id)
        _, encoding = content_type_and_encoding(request)
        with uploaded_file(request) as file:
            try:
                summary = import_history(viewer, file, encoding)
            except DataFileError as error:
                raise ValidationError(str(error)) from None
        return Response(summary._asdict() | {"unmatched": [row._asdict() for row in summary.unmatched]})
