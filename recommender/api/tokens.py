"""Tokens of single viewers: the site's server makes one with its key, for the app on somebody's phone to read with."""

import time

from django.core import signing
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from recommender.api.access import Client, holder
from recommender.models import ApiKey

KEYWORD = "Viewer-Token"

_signer = signing.Signer(salt="movierec.viewer-token")


def mint(client: Client, viewer_id: int, seconds: int) -> tuple[str, int]:
    """The token and when it ends (unix seconds). It ends with its key, too."""
    expires = int(time.time()) + seconds
    return _signer.sign_object([viewer_id, client.prefix, expires]), expires


class ViewerTokenAuthentication(BaseAuthentication):
    """`Authorization: Viewer-Token <token>`; `request.auth` is a Client who may read and is bound to one viewer."""

    def authenticate(self, request: Request) -> tuple[None, Client] | None:
        keyword, _, token = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if keyword.lower() != KEYWORD.lower():
            return None
        client = _bearer(token.strip())
        if client is None:
            raise AuthenticationFailed("This viewer's token is not valid: it has expired, or its key is revoked.")
        return None, client

    def authenticate_header(self, request: Request) -> str:
        return KEYWORD


def _bearer(token: str) -> Client | None:
    try:
        viewer_id, prefix, expires = _signer.unsign_object(token)
    except (signing.BadSignature, ValueError):
        return None
    if expires < time.time():
        return None
    key = holder(f"prefix {prefix}".encode(), lambda: ApiKey.objects.get_usable_keys().get(prefix=prefix))
    if key is None or key.expired() or ApiKey.Scope.READ not in key.scopes:
        return None
    return Client(prefix, frozenset([ApiKey.Scope.READ.value]), None, viewer_id)
