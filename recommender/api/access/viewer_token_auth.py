"""Tokens of single viewers: the site's server signs one with its key, for an app on a phone to read and report with."""

import time
from collections.abc import Collection
from enum import StrEnum

from django.core import signing
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from catalog.keys import Key
from catalog.selectors import DATABASE_ERRORS, viewer_created_at
from recommender.api.access.authentication import ApiPrincipal, lookup_key
from recommender.models import ApiKey

KEYWORD = "Viewer-Token"


class TokenScope(StrEnum):
    """What a viewer's token may do, always for its own viewer alone."""

    READ = "read"
    EVENTS = "events"
    IMPORT = "import"
    DATA = "data"


NEEDED_SCOPE = {  # of the key that signs
    TokenScope.READ: ApiKey.Scope.READ,
    TokenScope.EVENTS: ApiKey.Scope.EVENTS,
    TokenScope.IMPORT: ApiKey.Scope.EVENTS,
    TokenScope.DATA: ApiKey.Scope.ERASE,
}
_OPENS = {
    TokenScope.READ: {ApiKey.Scope.READ.value, ApiKey.Scope.USERS_READ.value},
    TokenScope.EVENTS: {ApiKey.Scope.EVENTS.value},
    TokenScope.IMPORT: {ApiKey.Scope.EVENTS.value},
    TokenScope.DATA: {ApiKey.Scope.ERASE.value},
}
_signer = signing.Signer(salt="movierec.viewer-token")


def sign_viewer_token(
    key_prefix: str,
    viewer: Key,
    seconds: int,
    scopes: Collection[TokenScope] = (TokenScope.READ,),
    companions: Collection[Key] = (),
) -> tuple[str, int]:
    """Return the token and when it ends (unix seconds). It ends with its key, too, and with each of its viewers.

    `companions`: other viewers whom it may name beside its own, in lists for several.
    """
    expires = int(time.time()) + seconds
    others = [[[key, _created_at(key)] for key in companions]] if companions else []
    return _signer.sign_object([viewer, key_prefix, expires, _created_at(viewer), *sorted(scopes), *others]), expires


def _created_at(viewer: Key) -> float | None:
    """Return since when a viewer is known; None for an unknown one, with whom no token ends, and without Postgres."""
    try:
        return viewer_created_at(viewer)
    except DATABASE_ERRORS:
        return None


class ViewerTokenAuthentication(BaseAuthentication):
    """Authenticate `Authorization: Viewer-Token <token>`; `request.auth` may then act for one viewer."""

    def authenticate(self, request: Request) -> tuple[None, ApiPrincipal] | None:
        """Return the principal of the token; None without a token. Raises AuthenticationFailed."""
        keyword, _, token = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if keyword.lower() != KEYWORD.lower():
            return None
        principal = _verify(token.strip())
        if principal is None:
            reason = "it has expired, its key is revoked, or its viewer was erased or merged. Have a new one made."
            raise AuthenticationFailed(f"This viewer's token is not valid: {reason}")
        return None, principal

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return KEYWORD


def _verify(token: str) -> ApiPrincipal | None:
    try:
        viewer, prefix, expires, created_at, *rest = _signer.unsign_object(token)
        scopes = [TokenScope(name) for name in rest if isinstance(name, str)] or [TokenScope.READ]
        companions: list[tuple[Key, float | None]] = next(
            (others for others in rest if not isinstance(others, str)), []
        )
    except (signing.BadSignature, ValueError):
        return None
    if expires < time.time():
        return None
    key = lookup_key(f"prefix {prefix}".encode(), lambda: ApiKey.objects.get_usable_keys().get(prefix=prefix))
    if key is None or key.has_expired():
        return None
    opened = frozenset[str]().union(*(_OPENS[scope] for scope in scopes if NEEDED_SCOPE[scope] in key.scopes))
    if not opened:
        return None
    if any(since is not None and _is_gone(other, since) for other, since in [(viewer, created_at), *companions]):
        return None
    return ApiPrincipal(
        prefix, opened, None, viewer, frozenset(map(str, scopes)), frozenset(other for other, _ in companions)
    )


def _is_gone(viewer: Key, created_at: float) -> bool:
    """Return whether the viewer was erased or merged since `created_at`; False while Postgres is down.

    The key may belong to a stranger by now, without the age limit. An import of older events moves the day on which a
    viewer came back.
    """
    try:
        now_created_at = viewer_created_at(viewer)
    except DATABASE_ERRORS:
        return False
    return now_created_at is None or now_created_at > created_at
