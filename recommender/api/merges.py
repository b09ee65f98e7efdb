"""POST /users/merge and /users/merge/undo."""

from typing import Any, cast

from django.http import Http404
from rest_framework import serializers
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.errors import NotAnAccountError, NotASessionError
from recommender import merging
from recommender.api.access.authentication import ApiPrincipal
from recommender.api.base_view import ApiView
from recommender.api.fields import StrictUUID
from recommender.api.list_requests import FastSerializer, UserId
from recommender.api.openapi import operations
from recommender.models import ApiKey, Merge


class MergeRequestSerializer(FastSerializer):
    from_user_id = UserId()
    into_user_id = UserId()

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if values["from_user_id"] == values["into_user_id"]:
            raise serializers.ValidationError({"into_user_id": "is the same viewer as from_user_id: name another."})
        return values


class UndoRequestSerializer(FastSerializer):
    merge_id = StrictUUID(help_text="From the answer of the merge.")


class MergeAnswerSerializer(serializers.Serializer):
    from_user_id = serializers.IntegerField()
    into_user_id = serializers.IntegerField()
    events = serializers.IntegerField()
    duplicates = serializers.IntegerField(help_text="Events that the viewer had already.")
    impressions = serializers.IntegerField()
    visible = serializers.BooleanField(help_text="Every later read knows of it; false: within seconds.")
    merge_id = serializers.UUIDField(allow_null=True, help_text="null: there was nothing to merge.")
    undo_until = serializers.DateTimeField(allow_null=True, help_text="Until then POST /users/merge/undo takes it.")


class UndoAnswerSerializer(MergeAnswerSerializer):
    undone_at = serializers.DateTimeField()


class NotASession(APIException):
    status_code = 409
    default_code = "not_a_session"


class NotAnAccount(APIException):
    status_code = 409
    default_code = "not_an_account"


class MergedFurther(APIException):
    status_code = 409
    default_code = "merged_further"


SESSION_HINT = 'Sessions are viewers whose events all came with "session": true'


class MergeView(ApiView):
    required_scope = ApiKey.Scope.EVENTS
    throttle_scope = "events"

    @operations.operation(
        "users_merge",
        "Folds what an anonymous session did into an account; an account into another only for users:erase.",
        MergeAnswerSerializer,
        request=MergeRequestSerializer,
        example={"from_user_id": 987_654_321, "into_user_id": 123},
    )
    def post(self, request: Request) -> Response:
        asked = self.validated
        try:
            joined = merging.merge(asked["from_user_id"], asked["into_user_id"], allow_accounts=_may_erase(request))
        except NotASessionError as error:
            words = (
                f"Look whether the numbers stand the wrong way round. {SESSION_HINT}; to merge an account send a key"
            )
            raise NotASession(f"{error} {words} with the scope {ApiKey.Scope.ERASE} as well.") from None
        except NotAnAccountError as error:
            words = "Look whether the numbers stand the wrong way round: into_user_id is the account's."
            raise NotAnAccount(f"{error} {words}") from None
        return Response(asked | _merge_body(*joined))


class UndoView(ApiView):
    required_scope = ApiKey.Scope.EVENTS
    throttle_scope = "events"

    @operations.operation(
        "users_merge_undo",
        "Gives back what a merge of the last day had moved.",
        UndoAnswerSerializer,
        request=UndoRequestSerializer,
    )
    def post(self, request: Request) -> Response:
        asked = self.validated
        try:
            undone = merging.undo_merge(asked["merge_id"], allow_accounts=_may_erase(request))
        except merging.MergeNotFound as error:
            raise Http404(str(error)) from None
        except merging.LaterMergeExists as error:
            raise MergedFurther(str(error)) from None
        except NotASessionError as error:
            raise PermissionDenied(f"{error} That takes a key with the scope {ApiKey.Scope.ERASE} as well.") from None
        merge = undone.merge
        numbers = {"from_user_id": merge.from_viewer_id, "into_user_id": merge.into_viewer_id}
        return Response(numbers | _merge_body(*undone) | {"undone_at": merge.undone_at})


def _may_erase(request: Request) -> bool:
    return ApiKey.Scope.ERASE in cast(ApiPrincipal, request.auth).scopes


def _merge_body(merge: Merge | None, visible: bool) -> dict[str, Any]:
    return {
        "events": merge.events if merge else 0,
        "duplicates": merge.duplicates if merge else 0,
        "impressions": merge.impressions if merge else 0,
        "visible": visible,
        "merge_id": merge and merge.pk,
        "undo_until": merge and merge.merged_at + merging.UNDO_WINDOW,
    }
