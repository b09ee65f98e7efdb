"""GET /recommendations/{id}: a list as a client got it."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors
from recommender.api.base_view import ApiView
from recommender.api.fields import UserIdAnswer
from recommender.api.openapi.operations import operation
from recommender.models import ApiKey, ServedList
from recommender.served_lists import parse_list_id
from recommender.served_lists.describe import describe_lists


@extend_schema_serializer(component_name="ServedFilm")
class ServedMovieSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    position = serializers.IntegerField(help_text="From 0.")
    score = serializers.FloatField(allow_null=True)
    propensity = serializers.FloatField(
        allow_null=True,
        help_text="The probability with which it stood there, below the films above it; 1: nothing was drawn.",
    )


class ServedListFields(serializers.Serializer):
    # No docstring: it would describe every answer in the schema.
    recommendation_id = serializers.CharField()
    served_at = serializers.DateTimeField()
    surface = serializers.CharField(help_text="The call, or group.")
    row = serializers.CharField(help_text="The key of a home page's row, else empty.")
    source = serializers.CharField(help_text="As the answer said it.")  # type: ignore[assignment]
    model_version = serializers.CharField(allow_null=True)
    degraded = serializers.BooleanField()
    is_known_user = serializers.BooleanField()
    merchandising = serializers.BooleanField(help_text="Whether rules held for it.")
    viewer_version = serializers.IntegerField(allow_null=True, help_text="Of the history that it was made of.")
    catalogue_version = serializers.IntegerField(allow_null=True, help_text="Of films and rules.")
    epoch = serializers.IntegerField(allow_null=True, help_text="Of all data.")
    seed = serializers.IntegerField(allow_null=True, help_text="Of the draw; null: nothing was drawn.")
    films = ServedMovieSerializer(many=True)


class ServedListSerializer(ServedListFields):
    user_id = UserIdAnswer(allow_null=True)
    request = serializers.JSONField(help_text="What the call asked for beyond the defaults.")


class ServedListView(ApiView):
    """Serve GET /recommendations/{id}."""

    required_scope = ApiKey.Scope.USERS_READ
    throttle_scope = "batch"

    @operation("served_list", "A list as a client got it.", ServedListSerializer)
    def get(self, request: Request, recommendation_id: str) -> Response:
        """Return a list as it was served."""
        list_id = parse_list_id(recommendation_id)
        served = None if list_id is None else ServedList.objects.filter(pk=list_id).first()
        if served is None:
            raise Http404(
                f"No list {recommendation_id} is recorded. A list is recorded some seconds after it was served, kept "
                "for the days of MOVIEREC_SERVED_LISTS_KEPT_DAYS, and erased with its viewer."
            )
        return Response(_body(served))


def _body(served: ServedList) -> dict[str, Any]:
    """Return a list as the JSON of the API, viewers by the site's keys."""
    [described] = describe_lists([served])
    members = described["request"].pop("members", None)
    keys = selectors.viewer_keys([served.viewer_id, *(members or ())])
    if members is not None:
        described["request"]["user_ids"] = [keys.get(member, member) for member in members]
    return {"user_id": keys.get(served.viewer_id, served.viewer_id) or None, **described}
