"""Tokens of single viewers: the site's server makes one with its key, for the app on somebody's phone to read with."""

import time

from django.core import signing
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from catalog.selectors import DATABASE_ERRORS, viewer_created_at
from recommender.api.access.authentication import ApiPrincipal, lookup_key
from recommender.models import ApiKey

KEYWORD = "Viewer-Token"

_signer = signing.Signer(salt="movierec.viewer-token")


def sign_viewer_token(client: ApiPrincipal, viewer_id: int, seconds: int) -> tuple[str, int]:
    """The token and when it ends (unix seconds). It ends with its key, too, and with its viewer."""
    expires = int(time.time()) + seconds
    return _signer.sign_object([viewer_id, client.prefix, expires, _viewer_since(viewer_id)]), expires


def _viewer_since(viewer_id: int) -> float | None:
    """Unix seconds; None for a viewer whom nobody knows, and while Postgres is gone."""
    try:
        return viewer_created_at(viewer_id)
    except DATABASE_ERRORS:
        return None


def _is_revoked(viewer_id: int, came_at: float | None) -> bool:
    """Whether the viewer was erased or merged since: the number, if anybody has it, is a stranger's, without the age
    limit. While Postgres is gone nobody is. An import of older events moves the day on which a viewer came back."""
    if came_at is None:
        return False
    try:
        now = viewer_created_at(viewer_id)
    except DATABASE_ERRORS:
        return False
    return now is None or now > came_at


class ViewerTokenAuthentication(BaseAuthentication):
    """`Authorization: Viewer-Token <token>`; `request.auth` is a Client who may read and is bound to one viewer."""

    def authenticate(self, request: Request) -> tuple[None, ApiPrincipal] | None:
        keyword, _, token = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if keyword.lower() != KEYWORD.lower():
            return None
        client = _verify(token.strip())
        if client is None:
            words = "it has expired, its key is revoked, or its viewer was erased or merged. Have a new one made."
            raise AuthenticationFailed(f"This viewer's token is not valid: {words}")
        return None, client

    def authenticate_header(self, request: Request) -> str:
        return KEYWORD


def _verify(token: str) -> ApiPrincipal | None:
    try:
        viewer_id, prefix, expires, came_at = _signer.unsign_object(token)
    except (signing.BadSignature, ValueError):
        return None
    if expires < time.time():
        return None
    key = lookup_key(f"prefix {prefix}".encode(), lambda: ApiKey.objects.get_usable_keys().get(prefix=prefix))
    if key is None or key.has_expired() or ApiKey.Scope.READ not in key.scopes or _is_revoked(viewer_id, came_at):
        return None
    return ApiPrincipal(prefix, frozenset([ApiKey.Scope.READ.value]), None, viewer_id)
