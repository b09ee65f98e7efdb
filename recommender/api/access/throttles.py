"""Rate limits of callers: budgets by class of call, counted in Redis over all web processes."""

import time
from collections.abc import Callable
from functools import lru_cache, partial
from hashlib import blake2b
from math import ceil
from typing import Any

from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from recommender import process_state
from recommender.serving.current_versions import RateWindow, count_call


class RateThrottle(SimpleRateThrottle):
    """Count calls in fixed windows. The view's `throttle_scope` names the budget, else `reads`.

    Without Redis every call passes: a count that is lost must not take the API down with it.
    """

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
        count_and_read = getattr(view, "count_call", None)
        return self._is_within_rate(request, caller, partial(count_and_read, request) if count_and_read else _count)

    def _is_within_rate(self, request: Request, caller: str, count: Callable[[RateWindow], int | None]) -> bool:
        """Return whether the calls of the window, as `count` has them, are within the rate."""
        limit, seconds = _parse_rate(self.get_rate())
        if limit is None or seconds is None:
            return True
        number, elapsed = divmod(time.time(), seconds)
        self._left = seconds - elapsed
        calls = count(RateWindow(str(self.scope), caller, int(number), seconds))
        if calls is None:
            return True
        policy = f'"{self.scope}";q={limit};w={seconds}'
        left = f'"{self.scope}";r={max(0, limit - calls)};t={ceil(self._left)}'
        setattr(request._request, "rate_limit", (policy, left))  # noqa: B010 - for the headers of whatever is answered
        return calls <= limit

    def wait(self) -> float:
        """Return the seconds until the window ends."""
        return self._left


class ViewerEventsThrottle(RateThrottle):
    """Count the events that viewers' tokens send: no client can fill the tables or make a chart."""

    scope = "viewer_events"

    def spend(self, request: Request, events: int) -> None:
        """Count a call's events. Raises Throttled where the viewer has used the budget up."""
        if not self._is_within_rate(request, _token_caller(request.auth), partial(_count, calls=events)):
            raise Throttled(self.wait(), f"This viewer's token may send {self.get_rate()} events: send the rest later.")


class ViewerImportsThrottle(RateThrottle):
    """Count the files that viewers' tokens send: reading one takes seconds."""

    scope = "viewer_imports"

    def spend(self, request: Request) -> None:
        """Count a file. Raises Throttled where the viewer has used the budget up."""
        if not self._is_within_rate(request, _token_caller(request.auth), _count):
            raise Throttled(self.wait(), f"This viewer's token may send {self.get_rate()} files: send it later.")


class InvalidKeyThrottle(RateThrottle):
    """Count invalid keys by the address that sends them: few guesses reach the database."""

    scope = "refused_keys"

    def check(self, request: Request) -> None:
        """Raise Throttled where the address has used its budget up."""

        def count(window: RateWindow) -> int | None:
            calls = _count(window, 0)
            return None if calls is None else calls + 1

        if not self._is_within_rate(request, self.get_ident(request), count):
            message = f"Too many unknown keys came from this address ({self.get_rate()}, {self.scope}): see to the key."
            raise Throttled(self.wait(), message)

    def record(self, request: Request) -> None:
        """Count one invalid key."""
        self._is_within_rate(request, self.get_ident(request), _count)


def _count(window: RateWindow, calls: int = 1) -> int | None:
    """Add calls to a window and return how many it has; None where Redis does not count."""
    return count_call(window, calls).calls


def _token_caller(principal: Any) -> str:
    """Return who counts as the caller with a viewer's token: a digest, as no viewer's id is a key in Redis."""
    return blake2b(f"{principal.prefix}:{principal.viewer}".encode(), digest_size=12).hexdigest()


@lru_cache
def _parse_rate(rate: str | None) -> tuple[int | None, int | None]:
    """Return the number of calls, and the seconds of the window."""
    calls, seconds = SimpleRateThrottle.parse_rate(RateThrottle(), rate)
    return calls, None if seconds is None else int(seconds)


process_state.register("API: the rates, parsed", _parse_rate.cache_clear)
