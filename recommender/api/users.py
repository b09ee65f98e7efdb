"""A viewer's own data: GET and DELETE /users/{id}/data, and POST /users/merge."""

from typing import Any, cast

from django.http import Http404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.errors import NamedViewerError
from catalog.limits import LARGEST_ID
from recommender.api import schema
from recommender.api.access import Client
from recommender.api.serializers import UserId, Values
from recommender.api.views import ApiView
from recommender.models import ApiKey
from recommender.serving import privacy


class KnownViewer(serializers.Serializer):
    name = serializers.CharField()
    age_limit = serializers.IntegerField(allow_null=True)
    is_simulated = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class DoneEvent(serializers.Serializer):
    movie_id = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    rating = serializers.FloatField(allow_null=True)
    completion = serializers.FloatField(allow_null=True)
    event_id = serializers.UUIDField(allow_null=True)


class ShownFilm(serializers.Serializer):
    movie_id = serializers.CharField()
    kind = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    position = serializers.IntegerField(allow_null=True)
    recommendation_id = serializers.CharField()
    event_id = serializers.UUIDField(allow_null=True)


class SentHistory(serializers.Serializer):
    job_id = serializers.UUIDField()
    sent_at = serializers.DateTimeField()
    history = serializers.ListField(child=serializers.CharField())


class AdminNote(serializers.Serializer):
    noted_at = serializers.DateTimeField()
    about = serializers.CharField(help_text="The viewer, as the admin named them then.")
    change = serializers.CharField()


class WaitingRow(serializers.Serializer):
    job_id = serializers.UUIDField()
    line = serializers.IntegerField()
    values = serializers.CharField(help_text="As JSON.")


class StoredFilm(serializers.Serializer):
    movie_id = serializers.CharField()
    score = serializers.FloatField()


class DataAnswer(serializers.Serializer):
    user_id = serializers.IntegerField()
    exported_at = serializers.DateTimeField()
    viewer = KnownViewer(allow_null=True)
    events = DoneEvent(many=True)
    admin_notes = AdminNote(many=True, help_text="Of changes of the viewer; the latest 10,000.")
    shown = ShownFilm(many=True, help_text="Impressions and clicks.")
    sent_histories = SentHistory(many=True, help_text="As they came with a batch.")
    waiting_rows = WaitingRow(many=True, help_text="Of imports that are not done; the first 10,000.")
    stored_list = StoredFilm(many=True, allow_null=True, help_text="What the model made of it; null: not at hand.")


class TrainedModel(serializers.Serializer):
    name = serializers.CharField()
    status = serializers.CharField()
    created_at = serializers.DateTimeField()


class ErasedAnswer(serializers.Serializer):
    user_id = serializers.IntegerField()
    erased_at = serializers.DateTimeField()
    events = serializers.IntegerField()
    impressions = serializers.IntegerField()
    jobs = serializers.IntegerField(help_text="Batches that a history of this viewer was sent with.")
    stored_lists = serializers.BooleanField(help_text="Gone from Redis as well; false: within seconds of its return.")
    trained_before = TrainedModel(many=True, help_text="Models that may have learned from this viewer's events.")
    in_training = serializers.ListField(
        child=serializers.UUIDField(), help_text="Jobs that may have read the events already."
    )


class MergeRequest(Values):
    from_user_id = UserId()
    into_user_id = UserId()

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if values["from_user_id"] == values["into_user_id"]:
            raise serializers.ValidationError({"into_user_id": "is the same viewer as from_user_id: name another."})
        return values


class MergeAnswer(serializers.Serializer):
    from_user_id = serializers.IntegerField()
    into_user_id = serializers.IntegerField()
    events = serializers.IntegerField()
    duplicates = serializers.IntegerField(help_text="Events that the viewer had already.")
    impressions = serializers.IntegerField()
    visible = serializers.BooleanField(help_text="Every later read knows of it; false: within seconds.")


class NotASession(APIException):
    status_code = 409
    default_code = "not_a_session"


MERGE = MergeRequest()


class DataView(ApiView):
    required_scope = ApiKey.Scope.ERASE
    throttle_scope = "batch"

    @schema.call("users_data_export", "All that is stored of a viewer.", DataAnswer)
    def get(self, request: Request, user_id: int) -> Response:
        possible(user_id)
        return Response({"user_id": user_id, "exported_at": timezone.now(), **privacy.export(user_id)})

    @schema.call("users_data_erase", "Erases a viewer everywhere.", ErasedAnswer)
    def delete(self, request: Request, user_id: int) -> Response:
        possible(user_id)
        erased = privacy.erase(user_id)._asdict()
        named = {"trained_before": erased.pop("models"), "in_training": erased.pop("trainings")}
        return Response({"user_id": user_id, "erased_at": timezone.now(), **erased, **named})


class MergeView(ApiView):
    required_scope = ApiKey.Scope.EVENTS
    throttle_scope = "events"

    @schema.call(
        "users_merge",
        "Folds what an anonymous session did into a viewer; a viewer with a name only for users:erase.",
        MergeAnswer,
        request=MergeRequest,
        example={"from_user_id": 987_654_321, "into_user_id": 123},
    )
    def post(self, request: Request) -> Response:
        asked = MERGE.run_validation(request.data)
        may_erase = ApiKey.Scope.ERASE in cast(Client, request.auth).scopes
        try:
            joined = privacy.merge(asked["from_user_id"], asked["into_user_id"], even_named=may_erase)
        except NamedViewerError as error:
            words = f"Send an anonymous session's number, or a key with the scope {ApiKey.Scope.ERASE} as well."
            raise NotASession(f"{error} {words}") from None
        counts = {"events": joined.merged.events, "duplicates": joined.merged.duplicates}
        return Response({**asked, **counts, "impressions": joined.impressions, "visible": joined.visible})


def possible(user_id: int) -> None:
    """Raises Http404 for a number that no viewer can have."""
    if not 1 <= user_id <= LARGEST_ID:
        raise Http404(f"{user_id} can be no viewer's id: they are 1 to {LARGEST_ID}.")
