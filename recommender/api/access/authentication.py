"""Authentication by API key, remembered for a minute so that a call asks no database."""

import base64
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_api_key.models import AbstractAPIKey

from catalog.keys import Key
from catalog.selectors import DATABASE_ERRORS
from recommender import process_state
from recommender.api.access.throttles import InvalidKeyThrottle
from recommender.models import ApiKey

KEYWORD = "Api-Key"
CACHE_SECONDS = 60.0  # a revoked key works for this long in a process that has just seen it
MAX_CACHED_KEYS = 1000
MAX_OFFLINE_SECONDS = 3_600.0  # a key works this much longer while Postgres is down


@dataclass(frozen=True, slots=True)
class ApiPrincipal:
    """The caller: an API key, or a token that one made for a single viewer."""

    prefix: str  # of the key
    scopes: frozenset[str]
    expires_at: datetime | None
    viewer: Key | None = None  # of a viewer's token, which reads the lists of nobody else
    token_scopes: frozenset[str] = frozenset()  # of a viewer's token
    companions: frozenset[Key] = frozenset()  # whom a viewer's token may name beside its own viewer, in user_ids

    def has_expired(self) -> bool:
        """Return whether the key's last moment has passed."""
        return self.expires_at is not None and self.expires_at < timezone.now()


_key_cache: dict[bytes, tuple[ApiPrincipal, float]] = {}  # digest of the key -> principal, until (monotonic seconds)
process_state.register("API: keys seen lately", _key_cache.clear)


class ApiKeyAuthentication(BaseAuthentication):
    """Authenticate `Authorization: Api-Key <key>`; `request.auth` is then an ApiPrincipal."""

    def authenticate(self, request: Request) -> tuple[None, ApiPrincipal] | None:
        """Return the principal of the key; None without a key. Raises AuthenticationFailed, Throttled."""
        key = self.read_key(request)
        if key is None:
            return None
        digest = hashlib.sha256(key.encode()).digest()
        # Only a key that this process does not know counts against its address: guesses lock no known key out.
        throttle = None if digest in _key_cache else InvalidKeyThrottle()
        if throttle:
            throttle.check(request)
        principal = lookup_key(digest, lambda: ApiKey.objects.get_from_key(key))
        if throttle and principal is None:
            throttle.record(request)
        if principal is None or principal.has_expired():
            raise AuthenticationFailed("This API key is not valid: it is unknown, revoked or expired.")
        request._request.client = principal.prefix  # type: ignore[attr-defined]  # for the log
        return None, principal

    def read_key(self, request: Request) -> str | None:
        """Return the key that came with the call; None without one."""
        keyword, _, key = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        return key.strip() if keyword.lower() == KEYWORD.lower() else None

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return KEYWORD


class BasicKeyAuthentication(ApiKeyAuthentication):
    """Authenticate by a key as the user name of HTTP Basic, where Segment's clients write theirs."""

    def read_key(self, request: Request) -> str | None:
        """Return the key that came with the call; None without one."""
        keyword, _, credentials = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if keyword.lower() != "basic":
            return None
        try:
            return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[0]
        except ValueError:
            return ""


def lookup_key(digest: bytes, load: Callable[[], AbstractAPIKey]) -> ApiPrincipal | None:
    """Return the principal of a key, from memory for up to a minute; None where there is no such key.

    `load` reads the key and raises ApiKey.DoesNotExist. While Postgres is down a key that was good within the last
    hour stays good as long as it is in use; for any other key the database's error is raised.
    """
    principal, until = _key_cache.get(digest, (None, 0.0))
    if principal is not None and time.monotonic() < until:
        return principal
    try:
        key = load()
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=Now())
    except ApiKey.DoesNotExist:
        _key_cache.pop(digest, None)
        return None
    except DATABASE_ERRORS:
        if principal is None or time.monotonic() > until + MAX_OFFLINE_SECONDS:
            raise
    else:
        principal = ApiPrincipal(key.prefix, frozenset(key.scopes), key.expiry_date)  # type: ignore[attr-defined]
        if len(_key_cache) >= MAX_CACHED_KEYS:
            _key_cache.clear()
    _key_cache[digest] = principal, time.monotonic() + CACHE_SECONDS
    return principal
