"""POST /users/merge and /users/merge/undo: an anonymous session becomes an account, and back."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.errors import NotAnAccountError, NotASessionError
from catalog.keys import parse_key
from recommender import merging, tasks
from recommender.api.access.authentication import ApiPrincipal
from recommender.api.base_view import ApiView
from recommender.api.fast_serializer import FastSerializer
from recommender.api.fields import JsonUUID, UserId, UserIdAnswer
from recommender.api.openapi.operations import operation
from recommender.models import ApiKey, Merge

HttpView = Callable[..., HttpResponseBase]


class MergeRequestSerializer(FastSerializer):
    from_user_id = UserId()
    into_user_id = UserId()

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values. Raises ValidationError where both are the same viewer."""
        if values["from_user_id"].key == values["into_user_id"].key:
            raise serializers.ValidationError({"into_user_id": "is the same viewer as from_user_id: name another."})
        return values


class UndoRequestSerializer(FastSerializer):
    merge_id = JsonUUID(help_text="From the answer of the merge.")


class MergeAnswerSerializer(serializers.Serializer):
    from_user_id = UserIdAnswer()
    into_user_id = UserIdAnswer()
    events = serializers.IntegerField()
    duplicates = serializers.IntegerField(help_text="Events that the viewer had already.")
    impressions = serializers.IntegerField()
    visible = serializers.BooleanField(help_text="Every later read knows of it; false: within seconds.")
    merge_id = serializers.UUIDField(allow_null=True, help_text="null: there was nothing to merge.")
    undo_until = serializers.DateTimeField(allow_null=True, help_text="Until then POST /users/merge/undo takes it.")


class UndoAnswerSerializer(MergeAnswerSerializer):
    undone_at = serializers.DateTimeField()


class NotASession(APIException):
    """The viewer that is merged is an account, and the key may not erase accounts."""

    status_code = 409
    default_code = "not_a_session"


class NotAnAccount(APIException):
    """The viewer that is merged into is an anonymous session."""

    status_code = 409
    default_code = "not_an_account"


class MergedFurther(APIException):
    """The viewer was merged into another since."""

    status_code = 409
    default_code = "merged_further"


SESSION_HINT = (
    "Look whether the ids stand the wrong way round. Sessions are viewers whose events all came with "
    f'"session": true; to merge an account send a key with the scope {ApiKey.Scope.ERASE} as well.'
)
ACCOUNT_HINT = "Look whether the ids stand the wrong way round: into_user_id is the account's."


class MergeView(ApiView):
    """Serve POST /users/merge."""

    required_scope = ApiKey.Scope.EVENTS
    throttle_scope = "events"

    @operation(
        "users_merge",
        "Folds what an anonymous session did into an account; an account into another only for users:erase.",
        MergeAnswerSerializer,
        request=MergeRequestSerializer,
        example={"from_user_id": 987_654_321, "into_user_id": 123},
    )
    def post(self, request: Request) -> Response:
        """Move the events of a session to an account."""
        viewer, into = self.validated["from_user_id"], self.validated["into_user_id"]
        try:
            result = merging.merge(viewer.key, into.key, allow_accounts=_may_erase(request))
        except NotASessionError as error:
            raise NotASession(f"{error} {SESSION_HINT}") from None
        except NotAnAccountError as error:
            raise NotAnAccount(f"{error} {ACCOUNT_HINT}") from None
        return Response({"from_user_id": viewer.sent, "into_user_id": into.sent} | _merge_body(*result))


def merge_or_viewer(viewer_view: HttpView) -> HttpView:
    """Return the view of /users/merge: POST merges, every other call is for the viewer whose key is `merge`."""
    merge_view = MergeView.as_view()

    @wraps(merge_view)  # with what the schema and the middleware read of a view
    def view(request: HttpRequest) -> HttpResponseBase:
        is_merge = request.method in ("POST", "OPTIONS")
        return merge_view(request) if is_merge else viewer_view(request, user_id="merge")

    return view


class UndoView(ApiView):
    """Serve POST /users/merge/undo."""

    required_scope = ApiKey.Scope.EVENTS
    throttle_scope = "events"

    @operation(
        "users_merge_undo",
        "Gives back what a merge of the last day had moved.",
        UndoAnswerSerializer,
        request=UndoRequestSerializer,
    )
    def post(self, request: Request) -> Response:
        """Undo a merge of the last day."""
        try:
            result = merging.undo_merge(self.validated["merge_id"], allow_accounts=_may_erase(request))
        except merging.MergeNotFound as error:
            raise Http404(str(error)) from None
        except merging.LaterMergeExists as error:
            raise MergedFurther(str(error)) from None
        except NotASessionError as error:
            raise PermissionDenied(f"{error} That takes a key with the scope {ApiKey.Scope.ERASE} as well.") from None
        for job in result.jobs:
            tasks.enqueue(job)
        merge = result.merge
        ids = {"from_user_id": parse_key(merge.from_key), "into_user_id": parse_key(merge.into_key)}
        return Response(ids | _merge_body(merge, result.visible) | {"undone_at": merge.undone_at})


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
