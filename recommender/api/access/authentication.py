"""Who may call: API keys with scopes, tokens of single viewers, and reads from this very machine where the operator
opened them."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework_api_key.models import AbstractAPIKey

from catalog.selectors import DATABASE_ERRORS
from recommender.api.access.loopback import is_from_loopback
from recommender.api.access.throttles import InvalidKeyThrottle
from recommender.models import ApiKey

KEYWORD = "Api-Key"
CACHE_SECONDS = 60.0  # a revoked key works on for this long in a process that has just seen it
MAX_CACHED_KEYS = 1000
MAX_OFFLINE_SECONDS = 3_600.0  # after that, while Postgres is gone


@dataclass(frozen=True, slots=True)
class ApiPrincipal:
    """The holder of a key."""

    prefix: str
    scopes: frozenset[str]
    expires_at: datetime | None
    viewer_id: int | None = None  # of a viewer's token: nobody else's lists

    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at < timezone.now()


_key_cache: dict[bytes, tuple[ApiPrincipal, float]] = {}  # digest of the key -> holder, until (monotonic seconds)


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <key>`; `request.auth` is the Client."""

    def authenticate(self, request: Request) -> tuple[None, ApiPrincipal] | None:
        keyword, _, key = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if keyword.lower() != KEYWORD.lower():
            return None
        client = _principal_of_key(key.strip(), request)
        if client is None or client.has_expired():
            raise AuthenticationFailed("This API key is not valid: it is unknown, revoked or expired.")
        request._request.client = client.prefix  # type: ignore[attr-defined]  # for the log
        return None, client

    def authenticate_header(self, request: Request) -> str:
        return KEYWORD


def _principal_of_key(key: str, request: Request) -> ApiPrincipal | None:
    """A key that this process does not know is looked for only while the address has not sent too many wrong ones; one
    that it knows is never counted, so that guesses beside it do not lock it out."""
    digest = hashlib.sha256(key.encode()).digest()
    refused = None if digest in _key_cache else InvalidKeyThrottle()
    if refused:
        refused.check(request)
    client = lookup_key(digest, lambda: ApiKey.objects.get_from_key(key))
    if refused and client is None:
        refused.record(request)
    return client


def lookup_key(digest: bytes, load: Callable[[], AbstractAPIKey]) -> ApiPrincipal | None:
    """From memory for up to a minute, so that the hot path asks no database; while Postgres is gone for as long as the
    key is in use, if it was good not long ago. `find` raises ApiKey.DoesNotExist."""
    client, until = _key_cache.get(digest, (None, 0.0))
    if client is not None and time.monotonic() < until:
        return client
    try:
        found = load()
        ApiKey.objects.filter(pk=found.pk).update(last_used_at=Now())
    except ApiKey.DoesNotExist:
        _key_cache.pop(digest, None)
        return None
    except DATABASE_ERRORS:
        if client is None or time.monotonic() > until + MAX_OFFLINE_SECONDS:
            raise
        _key_cache[digest] = client, time.monotonic() + CACHE_SECONDS
        return client
    client = ApiPrincipal(found.prefix, frozenset(found.scopes), found.expiry_date)  # type: ignore[attr-defined]
    if len(_key_cache) >= MAX_CACHED_KEYS:
        _key_cache.clear()
    _key_cache[digest] = client, time.monotonic() + CACHE_SECONDS
    return client


class HasScope(BasePermission):
    """The view's `required_scope`, or one of its `or_scopes`. A view that names none may be read by readers and written
    by nobody. A viewer's token opens reads that say so, of nobody else."""

    def has_permission(self, request: Request, view: Any) -> bool:
        reads_only = ApiKey.Scope.READ if request.method in SAFE_METHODS else None
        scope = getattr(view, "required_scope", reads_only)
        if scope is None:
            return False
        if isinstance(request.auth, ApiPrincipal):
            self.message = f"This API key lacks the scope {scope}; it has: {', '.join(sorted(request.auth.scopes))}."
            if request.auth.scopes.isdisjoint({str(scope), *getattr(view, "or_scopes", ())}):
                return False
            self.message = "This token opens the lists of its own viewer, and of nobody else."
            return request.auth.viewer_id is None or _is_for_token_viewer(request, view, request.auth.viewer_id)
        open_here = str(scope) == ApiKey.Scope.READ or getattr(view, "opens_on_this_machine", False)
        return open_here and settings.API_OPEN and not settings.BEHIND_PROXY and is_from_loopback(request)


def _is_for_token_viewer(request: Request, view: Any, viewer_id: int) -> bool:
    """Whether the call is open to viewers, can be made for this one and names no other: the number has to be written as
    it is. StrictView then makes the call for this viewer, named or not."""
    if not getattr(view, "allow_viewer_token", False) or not view.accepts_viewer(request):
        return False
    if any(text != str(viewer_id) for text in request.query_params.getlist("user_id")):
        return False
    body = request.data
    if not isinstance(body, dict) or request.method in SAFE_METHODS:
        return True
    named = body.get("user_id", viewer_id)
    return "user_ids" not in body and type(named) is int and named == viewer_id
