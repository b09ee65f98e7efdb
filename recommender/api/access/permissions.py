"""Permission by scope: of the key, of a viewer's token, or of this machine where the operator opened reads."""

from typing import Any

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from catalog.keys import Key, key_of_number, parse_key
from recommender.api.access.authentication import ApiPrincipal
from recommender.api.access.loopback import is_from_loopback
from recommender.models import ApiKey


class HasScope(BasePermission):
    """Permit a call whose key has the view's `required_scope`, or one of its `alternative_scopes`.

    A view that names no scope may be read with the read scope and written by nobody. A viewer's token permits the
    calls whose view says `allow_viewer_token`, for its own viewer alone, with the `token_scope` that the view may name.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the call is permitted; `message` says why it is not."""
        default_scope = ApiKey.Scope.READ if request.method in SAFE_METHODS else None
        scope = getattr(view, "required_scope", default_scope)
        if scope is None:
            return False
        if isinstance(request.auth, ApiPrincipal):
            self.message = f"This API key lacks the scope {scope}; it has: {', '.join(sorted(request.auth.scopes))}."
            if request.auth.scopes.isdisjoint({str(scope), *getattr(view, "alternative_scopes", ())}):
                return False
            self.message = "This token opens the lists of its own viewer, and of nobody else."
            return request.auth.viewer is None or _is_for_token_viewer(request, view, request.auth)
        is_open = str(scope) == ApiKey.Scope.READ or getattr(view, "open_on_loopback", False)
        return is_open and settings.API_OPEN and not settings.BEHIND_PROXY and is_from_loopback(request)


def _is_for_token_viewer(request: Request, view: Any, principal: ApiPrincipal) -> bool:
    """Return whether the view allows viewers' tokens, can be called for this viewer, and the call names no other.

    StrictView then makes the call for this viewer, named or not.
    """
    viewer = principal.viewer
    if not getattr(view, "allow_viewer_token", False) or not view.accepts_viewer(request):
        return False
    token_scope = getattr(view, "token_scope", None)
    if token_scope is not None and token_scope not in principal.token_scopes:
        return False
    path_viewer = view.kwargs.get("user_id")
    if any(parse_key(text) != viewer for text in request.query_params.getlist("user_id")):
        return False
    if path_viewer is not None:
        return parse_key(path_viewer) == viewer
    body = request.data
    if not isinstance(body, dict) or request.method in SAFE_METHODS:
        return True
    if "user_ids" in body:
        group = body["user_ids"] if isinstance(body["user_ids"], list) else [None]
        return "user_id" not in body and {_key_of(member) for member in group} <= {viewer, *principal.companions}
    return _key_of(body.get("user_id", viewer)) == viewer


def _key_of(user_id: Any) -> Key | None:
    """Return the key that a viewer's id in a JSON body means; None for what is none."""
    return parse_key(user_id) if isinstance(user_id, str) else key_of_number(user_id) if type(user_id) is int else None
