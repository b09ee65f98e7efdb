"""POST /viewer-tokens: a short-lived token that reads one viewer's lists, and reports their events if asked for."""

from datetime import UTC, datetime

from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api.access.authentication import ApiPrincipal
from recommender.api.access.viewer_token_auth import KEYWORD, NEEDED_SCOPE, TokenScope, sign_viewer_token
from recommender.api.base_view import ApiView
from recommender.api.fast_serializer import FastSerializer
from recommender.api.fields import MAX_VIEWERS, JsonInteger, UserId, UserIdAnswer
from recommender.api.openapi.operations import operation

MIN_SECONDS, DEFAULT_SECONDS, MAX_SECONDS = 60, 900, 3_600


class ViewerTokenRequestSerializer(FastSerializer):
    user_id = UserId()
    seconds = JsonInteger(
        default=DEFAULT_SECONDS, min_value=MIN_SECONDS, max_value=MAX_SECONDS, help_text="How long it is good for."
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(list(TokenScope)),
        default=lambda: [TokenScope.READ.value],
        min_length=1,
        max_length=len(TokenScope),
        help_text="read: lists, films and the viewer's own history. events: POST /events for the viewer. import: POST "
        "/users/{id}/history. data: GET and DELETE /users/{id}/data.",
    )
    companions = serializers.ListField(
        child=UserId(),
        default=list,
        max_length=MAX_VIEWERS - 1,
        help_text="Other viewers whom the token may name beside its own, in user_ids of lists for several.",
    )


class ViewerTokenAnswerSerializer(serializers.Serializer):
    token = serializers.CharField(help_text=f"To be sent as `Authorization: {KEYWORD} ...`.")
    user_id = UserIdAnswer()
    scopes = serializers.ListField(child=serializers.ChoiceField(list(TokenScope)))
    expires_at = serializers.DateTimeField()


class ViewerTokensView(ApiView):
    """Serve POST /viewer-tokens."""

    @operation(
        "viewer_tokens",
        "A short-lived token for one viewer's lists, and events if asked for, for an app that must not have the key.",
        ViewerTokenAnswerSerializer,
        request=ViewerTokenRequestSerializer,
        example={"user_id": 123, "seconds": 900},
    )
    def post(self, request: Request) -> Response:
        """Sign a token for a viewer."""
        if not isinstance(request.auth, ApiPrincipal):
            raise NotAuthenticated("A viewer's token is made with an API key.")
        viewer = self.validated["user_id"]
        scopes = sorted({TokenScope(name) for name in self.validated["scopes"]})
        if len(scopes) < len(self.validated["scopes"]):
            raise ValidationError({"scopes": "Name each scope once."})
        for scope in scopes:
            if NEEDED_SCOPE[scope] not in request.auth.scopes:
                raise PermissionDenied(f"A token for {scope} takes a key with the scope {NEEDED_SCOPE[scope]} as well.")
        companions = {companion.key for companion in self.validated["companions"]} - {viewer.key}
        seconds = self.validated["seconds"]
        token, expires = sign_viewer_token(request.auth.prefix, viewer.key, seconds, scopes, companions)
        body = {"token": token, "user_id": viewer.sent, "scopes": scopes}
        return Response(body | {"expires_at": datetime.fromtimestamp(expires, UTC)})
