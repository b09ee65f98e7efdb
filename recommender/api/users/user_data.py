"""GET and DELETE /users/{id}/data: a person's right to a copy of their data, and to erasure."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender import privacy
from recommender.api.access.viewer_token_auth import TokenScope
from recommender.api.base_view import ApiView
from recommender.api.fields import UserIdAnswer
from recommender.api.lists.served import ServedListFields
from recommender.api.openapi.operations import operation
from recommender.api.users.path_viewer import viewer_of_path
from recommender.models import ApiKey


@extend_schema_serializer(component_name="KnownViewer")
class ViewerRecordSerializer(serializers.Serializer):
    name = serializers.CharField()
    account = serializers.CharField(help_text="Empty: of none.")
    age_limit = serializers.IntegerField(allow_null=True)
    country = serializers.CharField(help_text="Empty: not known.")
    language = serializers.CharField(help_text="Empty: not known.")
    is_session = serializers.BooleanField()
    is_simulated = serializers.BooleanField()
    created_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="DoneEvent")
class StoredEventSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    rating = serializers.FloatField(allow_null=True)
    completion = serializers.FloatField(allow_null=True)
    event_id = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="ShownFilm")
class StoredImpressionSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    kind = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    position = serializers.IntegerField(allow_null=True)
    recommendation_id = serializers.CharField()
    event_id = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="SentHistory")
class PostedHistorySerializer(serializers.Serializer):
    job_id = serializers.UUIDField()
    sent_at = serializers.DateTimeField()
    history = serializers.ListField(child=serializers.CharField())


class AdminNoteSerializer(serializers.Serializer):
    noted_at = serializers.DateTimeField()
    about = serializers.CharField(help_text="The viewer, as the admin named them then.")
    change = serializers.CharField()


@extend_schema_serializer(component_name="UnmatchedLine")
class UnmatchedLineSerializer(serializers.Serializer):
    line = serializers.IntegerField()
    reason = serializers.CharField(help_text="The film as the file names it, and why none was found.")


@extend_schema_serializer(component_name="ImportedFile")
class ImportedFileSerializer(serializers.Serializer):
    job_id = serializers.UUIDField()
    imported_at = serializers.DateTimeField()
    report = serializers.CharField(help_text="What became of the file, as JSON.")
    unmatched = UnmatchedLineSerializer(many=True)


@extend_schema_serializer(component_name="WaitingRow")
class PendingRowSerializer(serializers.Serializer):
    job_id = serializers.UUIDField()
    line = serializers.IntegerField()
    values = serializers.CharField(help_text="As JSON.")


@extend_schema_serializer(component_name="KeptMerge")
class StoredMergeSerializer(serializers.Serializer):
    merge_id = serializers.UUIDField()
    from_user_id = UserIdAnswer()
    into_user_id = UserIdAnswer()
    merged_at = serializers.DateTimeField()
    undone_at = serializers.DateTimeField(allow_null=True)
    events = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    impressions = serializers.IntegerField()
    kept = serializers.CharField(help_text="What undoing it needs, as JSON.")


@extend_schema_serializer(component_name="StoredFilm")
class StoredListMovieSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    score = serializers.FloatField()


@extend_schema_serializer(component_name="ShownList")
class ExportedListSerializer(ServedListFields):
    request = serializers.CharField(help_text="What the call asked for beyond the defaults, as JSON.")


class DataAnswerSerializer(serializers.Serializer):
    user_id = UserIdAnswer()
    exported_at = serializers.DateTimeField()
    viewer = ViewerRecordSerializer(allow_null=True)
    events = StoredEventSerializer(many=True)
    admin_notes = AdminNoteSerializer(many=True, help_text="Of changes of the viewer; the latest 10,000.")
    shown = StoredImpressionSerializer(many=True, help_text="Impressions and clicks.")
    sent_histories = PostedHistorySerializer(many=True, help_text="As they came with a batch.")
    merges = StoredMergeSerializer(
        many=True, help_text="Of the last day, of this viewer into another or the other way round."
    )
    imported_files = ImportedFileSerializer(many=True, help_text="Reports of the person's own files.")
    waiting_rows = PendingRowSerializer(many=True, help_text="Of imports that are not done; the first 10,000.")
    stored_list = StoredListMovieSerializer(
        many=True, allow_null=True, help_text="What the model made of it; null: not at hand."
    )
    served_lists = ExportedListSerializer(
        many=True, help_text="What a client got for this viewer, the newest first; the newest 10,000."
    )


class TrainedModelSerializer(serializers.Serializer):
    name = serializers.CharField()
    status = serializers.CharField()
    created_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="ErasedAnswer")
class ErasureAnswerSerializer(serializers.Serializer):
    user_id = UserIdAnswer()
    erased_at = serializers.DateTimeField()
    events = serializers.IntegerField()
    impressions = serializers.IntegerField()
    jobs = serializers.IntegerField(help_text="Batches that a history of this viewer was sent with.")
    stored_lists = serializers.BooleanField(help_text="Gone from Redis as well; false: within seconds of its return.")
    trained_before = TrainedModelSerializer(
        many=True, help_text="Models that may have learned from this viewer's events."
    )
    in_training = serializers.ListField(
        child=serializers.UUIDField(), help_text="Jobs that may have read the events already."
    )


class UserDataView(ApiView):
    """Serve GET and DELETE /users/{id}/data."""

    required_scope = ApiKey.Scope.ERASE
    throttle_scope = "batch"
    allow_viewer_token = True
    token_scope = TokenScope.DATA

    @operation("users_data_export", "All that is stored of a viewer.", DataAnswerSerializer)
    def get(self, request: Request, user_id: str) -> Response:
        """Return everything that is stored of a viewer."""
        viewer = viewer_of_path(user_id)
        return Response({"user_id": viewer, "exported_at": timezone.now(), **privacy.export_viewer(viewer)})

    @operation("users_data_erase", "Erases a viewer everywhere.", ErasureAnswerSerializer)
    def delete(self, request: Request, user_id: str) -> Response:
        """Erase a viewer in the database and in Redis, and name the models that may have learned from them."""
        viewer = viewer_of_path(user_id)
        erasure = privacy.erase_viewer(viewer)._asdict()
        training = {"trained_before": erasure.pop("models"), "in_training": erasure.pop("trainings")}
        return Response({"user_id": viewer, "erased_at": timezone.now(), **erasure, **training})
