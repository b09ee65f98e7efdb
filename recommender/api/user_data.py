"""A viewer's own data: GET and DELETE /users/{id}/data."""

from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.limits import MAX_ID
from recommender import privacy
from recommender.api.base_view import ApiView
from recommender.api.openapi import operations
from recommender.models import ApiKey


class KnownViewerSerializer(serializers.Serializer):
    name = serializers.CharField()
    age_limit = serializers.IntegerField(allow_null=True)
    is_simulated = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class DoneEventSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    rating = serializers.FloatField(allow_null=True)
    completion = serializers.FloatField(allow_null=True)
    event_id = serializers.UUIDField(allow_null=True)


class ShownFilmSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    kind = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    position = serializers.IntegerField(allow_null=True)
    recommendation_id = serializers.CharField()
    event_id = serializers.UUIDField(allow_null=True)


class SentHistorySerializer(serializers.Serializer):
    job_id = serializers.UUIDField()
    sent_at = serializers.DateTimeField()
    history = serializers.ListField(child=serializers.CharField())


class AdminNoteSerializer(serializers.Serializer):
    noted_at = serializers.DateTimeField()
    about = serializers.CharField(help_text="The viewer, as the admin named them then.")
    change = serializers.CharField()


class WaitingRowSerializer(serializers.Serializer):
    job_id = serializers.UUIDField()
    line = serializers.IntegerField()
    values = serializers.CharField(help_text="As JSON.")


class KeptMergeSerializer(serializers.Serializer):
    merge_id = serializers.UUIDField()
    from_user_id = serializers.IntegerField()
    into_user_id = serializers.IntegerField()
    merged_at = serializers.DateTimeField()
    undone_at = serializers.DateTimeField(allow_null=True)
    events = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    impressions = serializers.IntegerField()
    kept = serializers.CharField(help_text="What undoing it needs, as JSON.")


class StoredFilmSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    score = serializers.FloatField()


class DataAnswerSerializer(serializers.Serializer):
    user_id = serializers.IntegerField()
    exported_at = serializers.DateTimeField()
    viewer = KnownViewerSerializer(allow_null=True)
    events = DoneEventSerializer(many=True)
    admin_notes = AdminNoteSerializer(many=True, help_text="Of changes of the viewer; the latest 10,000.")
    shown = ShownFilmSerializer(many=True, help_text="Impressions and clicks.")
    sent_histories = SentHistorySerializer(many=True, help_text="As they came with a batch.")
    merges = KeptMergeSerializer(
        many=True, help_text="Of the last day, of this viewer into another or the other way round."
    )
    waiting_rows = WaitingRowSerializer(many=True, help_text="Of imports that are not done; the first 10,000.")
    stored_list = StoredFilmSerializer(
        many=True, allow_null=True, help_text="What the model made of it; null: not at hand."
    )


class TrainedModelSerializer(serializers.Serializer):
    name = serializers.CharField()
    status = serializers.CharField()
    created_at = serializers.DateTimeField()


class ErasedAnswerSerializer(serializers.Serializer):
    user_id = serializers.IntegerField()
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
    required_scope = ApiKey.Scope.ERASE
    throttle_scope = "batch"

    @operations.operation("users_data_export", "All that is stored of a viewer.", DataAnswerSerializer)
    def get(self, request: Request, user_id: int) -> Response:
        check_viewer_id(user_id)
        return Response({"user_id": user_id, "exported_at": timezone.now(), **privacy.export_viewer(user_id)})

    @operations.operation("users_data_erase", "Erases a viewer everywhere.", ErasedAnswerSerializer)
    def delete(self, request: Request, user_id: int) -> Response:
        check_viewer_id(user_id)
        erased = privacy.erase_viewer(user_id)._asdict()
        named = {"trained_before": erased.pop("models"), "in_training": erased.pop("trainings")}
        return Response({"user_id": user_id, "erased_at": timezone.now(), **erased, **named})


def check_viewer_id(user_id: int) -> None:
    """Raises Http404 for a number that no viewer can have."""
    if not 1 <= user_id <= MAX_ID:
        raise Http404(f"{user_id} can be no viewer's id: they are 1 to {MAX_ID}.")
