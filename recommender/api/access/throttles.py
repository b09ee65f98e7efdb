"""How much one caller may ask: budgets by class of call, counted in Redis over all web processes."""

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

REDIS_BACKOFF = 1.0  # after Redis failed nothing is counted for this long, so that nobody waits for it


class RateThrottle(SimpleRateThrottle):
    """A count in each fixed window: one round trip. The view's `throttle_scope` names the budget, else `reads`.

    Without Redis everyone passes: a count that is lost must not take the API down with it.
    """

    uncounted_until = 0.0  # monotonic seconds, of this process

    def __init__(self) -> None:  # the base class wants to know the rate before it knows the view
        pass

    def allow_request(self, request: Request, view: Any) -> bool:
        self.scope, caller = self._scope_and_caller(request, view)
        return self._is_within_rate(request, caller, self._increment)

    def _is_within_rate(self, request: Request, caller: str, count_in: Callable[[str, int], int]) -> bool:
        """Whether the window's count, which `count_in` gets by its key and length, is no more than the rate."""
        limit, seconds = self.parse_rate(self.get_rate())
        if limit is None or seconds is None or REDIS.is_down or time.monotonic() < RateThrottle.uncounted_until:
            return True
        window, elapsed = divmod(time.time(), seconds)
        self._left = seconds - elapsed
        key = f"{self.cache_format % {'scope': self.scope, 'ident': caller}}:{int(window)}"
        try:
            count = count_in(key, int(seconds))
        except (ConnectionInterrupted, RedisError):
            RateThrottle.uncounted_until = time.monotonic() + REDIS_BACKOFF
            return True
        policy = f'"{self.scope}";q={limit};w={int(seconds)}'
        left = f'"{self.scope}";r={max(0, limit - count)};t={ceil(self._left)}'
        setattr(request._request, "rate_limit", (policy, left))  # noqa: B010 - for the headers of whatever is answered
        return count <= limit

    def _scope_and_caller(self, request: Request, view: Any) -> tuple[str, str]:
        """Which budget, and whose."""
        scope = getattr(view, "throttle_scope", "reads")
        client: Any = request.auth
        if client is None:
            return scope, self.get_ident(request)
        if client.viewer_id is None:
            return scope, client.prefix
        whose = f"{client.prefix}:{client.viewer_id}"
        return "viewer", blake2b(whose.encode(), digest_size=12).hexdigest()  # no viewer's number is a key in Redis

    def _increment(self, key: str, seconds: int) -> int:
        try:
            return int(self.cache.incr(key))
        except ValueError:  # the first call of the window
            return 1 if self.cache.add(key, 1, 2 * seconds) else int(self.cache.incr(key))

    def wait(self) -> float:
        return self._left


class InvalidKeyThrottle(RateThrottle):
    """Keys that open nothing, by the address that sends them: nobody tries many, and few of them cost a query."""

    scope = "refused_keys"

    def check(self, request: Request) -> None:
        """Raises Throttled where the address has used its budget up."""
        if not self._is_within_rate(request, self.get_ident(request), self._next_count):
            words = f"Too many unknown keys came from this address ({self.get_rate()}, {self.scope}): see to the key."
            raise Throttled(self.wait(), words)

    def record(self, request: Request) -> None:
        self._is_within_rate(request, self.get_ident(request), self._increment)

    def _next_count(self, key: str, seconds: int) -> int:
        return int(self.cache.get(key, 0)) + 1
