"""POST /viewer-tokens: a short-lived token that reads one viewer's lists."""

from datetime import UTC, datetime

from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api.access.authentication import ApiPrincipal
from recommender.api.access.viewer_token_auth import KEYWORD, sign_viewer_token
from recommender.api.base_view import ApiView
from recommender.api.fast_serializer import FastSerializer
from recommender.api.fields import JsonInteger, UserId, UserIdAnswer
from recommender.api.openapi.operations import operation

MIN_SECONDS, DEFAULT_SECONDS, MAX_SECONDS = 60, 900, 3_600


class ViewerTokenRequestSerializer(FastSerializer):
    user_id = UserId()
    seconds = JsonInteger(
        default=DEFAULT_SECONDS, min_value=MIN_SECONDS, max_value=MAX_SECONDS, help_text="How long it is good for."
    )


class ViewerTokenAnswerSerializer(serializers.Serializer):
    token = serializers.CharField(help_text=f"To be sent as `Authorization: {KEYWORD} ...`.")
    user_id = UserIdAnswer()
    expires_at = serializers.DateTimeField()


class ViewerTokensView(ApiView):
    """Serve POST /viewer-tokens."""

    @operation(
        "viewer_tokens",
        "A short-lived token that reads one viewer's lists, for an app that must not have the key.",
        ViewerTokenAnswerSerializer,
        request=ViewerTokenRequestSerializer,
        example={"user_id": 123, "seconds": 900},
    )
    def post(self, request: Request) -> Response:
        """Sign a token for a viewer."""
        if not isinstance(request.auth, ApiPrincipal):
            raise NotAuthenticated("A viewer's token is made with an API key.")
        viewer = self.validated["user_id"]
        token, expires = sign_viewer_token(request.auth, viewer.key, self.validated["seconds"])
        return Response({"token": token, "user_id": viewer.sent, "expires_at": datetime.fromtimestamp(expires, UTC)})
