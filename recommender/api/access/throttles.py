"""Rate limits of callers: budgets by class of call, counted in Redis over all web processes."""

import time
from collections.abc import Callable
from hashlib import blake2b
from math import ceil
from typing import Any

from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from infrastructure.connectivity import REDIS
from recommender import process_state

REDIS_BACKOFF = 1.0  # nothing is counted for this long after Redis failed, so that no call waits for it


class RateThrottle(SimpleRateThrottle):
    """Count calls in fixed windows, one round trip each. The view's `throttle_scope` names the budget, else `reads`.

    Without Redis every call passes: a count that is lost must not take the API down with it.
    """

    uncounted_until = 0.0  # monotonic seconds, of this process

    def __init__(self) -> None:  # the base class wants to know the rate before it knows the view
        pass

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the call; return whether the caller has budget for it."""
        principal: Any = request.auth
        self.scope = getattr(view, "throttle_scope", "reads")
        if principal is None:
            caller = self.get_ident(request)
        elif principal.viewer is None:
            caller = principal.prefix
        else:
            self.scope = "viewer"
            caller = _token_caller(principal)
        return self._is_within_rate(request, caller, self._increment)

    def _is_within_rate(self, request: Request, caller: str, count: Callable[[str, int], int]) -> bool:
        """Return whether the calls of the window, which `count` reads by its key and seconds, are within the rate."""
        limit, seconds = self.parse_rate(self.get_rate())
        if limit is None or seconds is None or REDIS.is_down or time.monotonic() < RateThrottle.uncounted_until:
            return True
        window, elapsed = divmod(time.time(), seconds)
        self._left = seconds - elapsed
        key = f"{self.cache_format % {'scope': self.scope, 'ident': caller}}:{int(window)}"
        try:
            calls = count(key, int(seconds))
        except (ConnectionInterrupted, RedisError):
            RateThrottle.uncounted_until = time.monotonic() + REDIS_BACKOFF
            return True
        policy = f'"{self.scope}";q={limit};w={int(seconds)}'
        left = f'"{self.scope}";r={max(0, limit - calls)};t={ceil(self._left)}'
        setattr(request._request, "rate_limit", (policy, left))  # noqa: B010 - for the headers of whatever is answered
        return calls <= limit

    def _increment(self, key: str, seconds: int) -> int:
        try:
            return int(self.cache.incr(key))
        except ValueError:  # the first call of the window
            return 1 if self.cache.add(key, 1, 2 * seconds) else int(self.cache.incr(key))

    def wait(self) -> float:
        """Return the seconds until the window ends."""
        return self._left


class ViewerEventsThrottle(RateThrottle):
    """Count the events that viewers' tokens send: no client can fill the tables or make a chart."""

    scope = "viewer_events"

    def spend(self, request: Request, events: int) -> None:
        """Count a call's events. Raises Throttled where the viewer has used the budget up."""

        def count(key: str, seconds: int) -> int:
            self.cache.add(key, 0, 2 * seconds)
            return int(self.cache.incr(key, events))

        if not self._is_within_rate(request, _token_caller(request.auth), count):
            raise Throttled(self.wait(), f"This viewer's token may send {self.get_rate()} events: send the rest later.")


class ViewerImportsThrottle(RateThrottle):
    """Count the files that viewers' tokens send: reading one takes seconds."""

    scope = "viewer_imports"

    def spend(self, request: Request) -> None:
        """Count a file. Raises Throttled where the viewer has used the budget up."""
        if not self._is_within_rate(request, _token_caller(request.auth), self._increment):
            raise Throttled(self.wait(), f"This viewer's token may send {self.get_rate()} files: send it later.")


class InvalidKeyThrottle(RateThrottle):
    """Count invalid keys by the address that sends them: few guesses reach the database."""

    scope = "refused_keys"

    def check(self, request: Request) -> None:
        """Raise Throttled where the address has used its budget up."""
        if not self._is_within_rate(request, self.get_ident(request), lambda key, _: int(self.cache.get(key, 0)) + 1):
            message = f"Too many unknown keys came from this address ({self.get_rate()}, {self.scope}): see to the key."
            raise Throttled(self.wait(), message)

    def record(self, request: Request) -> None:
        """Count one invalid key."""
        self._is_within_rate(request, self.get_ident(request), self._increment)


def _token_caller(principal: Any) -> str:
    """Return who counts as the caller with a viewer's token: a digest, as no viewer's id is a key in Redis."""
    return blake2b(f"{principal.prefix}:{principal.viewer}".encode(), digest_size=12).hexdigest()


def _forget_backoff() -> None:
    RateThrottle.uncounted_until = 0.0


process_state.register("API: when rates are counted again after Redis failed", _forget_backoff)
