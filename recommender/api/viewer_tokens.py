"""POST /viewer-tokens."""

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api import schema
from recommender.api.access import Client
from recommender.api.fields import Whole
from recommender.api.serializers import UserId, Values
from recommender.api.tokens import KEYWORD, mint
from recommender.api.views import ApiView

SHORTEST, USUAL, LONGEST = 60, 900, 3_600  # seconds


class ViewerTokenRequest(Values):
    user_id = UserId()
    seconds = Whole(default=USUAL, min_value=SHORTEST, max_value=LONGEST, help_text="How long it is good for.")


class ViewerTokenAnswer(serializers.Serializer):
    token = serializers.CharField(help_text=f"To be sent as `Authorization: {KEYWORD} ...`.")
    user_id = serializers.IntegerField()
    expires_at = serializers.DateTimeField()


class ViewerTokensView(ApiView):
    @schema.call(
        "viewer_tokens",
        "A short-lived token that reads one viewer's lists, for an app that must not have the key.",
        ViewerTokenAnswer,
        request=ViewerTokenRequest,
        example={"user_id": 123, "seconds": 900},
    )
    def post(self, request: Request) -> Response:
        if not isinstance(request.auth, Client):
            raise NotAuthenticated("A viewer's token is made with an API key.")
        asked = self.asked
        token, expires = mint(request.auth, asked["user_id"], asked["seconds"])
        body: dict[str, Any] = {"token": token, "user_id": asked["user_id"]}
        return Response(body | {"expires_at": datetime.fromtimestamp(expires, UTC)})
