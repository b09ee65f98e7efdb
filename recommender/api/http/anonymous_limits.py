"""Limits for callers without credentials: by address, in this process's memory, before any view runs.

A caller with a key, a token or a session of the admin is never refused here: others behind the same address do not
lock it out.
"""

import threading
import time
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve, reverse
from rest_framework.permissions import SAFE_METHODS
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

from catalog.plurals import count_noun
from infrastructure.body_limits import ADMIN_ROOT
from recommender import process_state
from recommender.api.access.loopback import ORIGINAL_HOST
from recommender.api.http.errors import problem_response

HEALTH_PREFIX = "/health/"
REFUSAL_STATUSES = (400, 401, 404, 405, 429)  # that count; 400 is a Host that is not ours
CREDENTIAL_PREFIXES = ("api-key ", "viewer-token ")
MAX_ADDRESSES = 20_000  # an attacker with more of them is not bounded by counting addresses

_rate_parser = SimpleRateThrottle.__new__(SimpleRateThrottle)


class WindowCounter:
    """A counter of calls by class and address, within a window that begins with the first of them."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}  # -> when the window ends (monotonic s), calls
        self._lock = threading.Lock()

    def increment(self, scope: str, address: str) -> None:
        """Count one call."""
        seconds = _parse_rate(scope)[1]
        with self._lock:
            now = time.monotonic()
            until, count = self._counts.get((scope, address), (0.0, 0))
            if len(self._counts) >= MAX_ADDRESSES:
                self._counts.clear()
            self._counts[scope, address] = (until, count + 1) if now < until else (now + seconds, 1)

    def retry_after(self, scope: str, address: str) -> float:
        """Return the seconds until the address may call again; 0 while it has budget."""
        until, count = self._counts.get((scope, address), (0.0, 0))
        return max(0.0, until - time.monotonic()) if count >= _parse_rate(scope)[0] else 0.0

    def clear(self) -> None:
        """Forget all counts."""
        self._counts.clear()


def _parse_rate(scope: str) -> tuple[int, int]:
    """Return the number of calls, and the seconds of the window."""
    calls, seconds = _rate_parser.parse_rate(_rate_setting(scope))
    return calls or 0, seconds or 1


def _rate_setting(scope: str) -> str:
    rates: Any = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    return str(rates[scope])


address_counts = WindowCounter()
process_state.register("API: refused calls and logins by address", address_counts.clear)


def refuse_early(request: HttpRequest) -> HttpResponse | None:
    """Return the refusal of a call that no view needs to see, else None."""
    if request.path.startswith(HEALTH_PREFIX):
        # Monitors call by IP address. No link is built from the Host here, and this machine's name always passes.
        request.META[ORIGINAL_HOST] = request.META.get("HTTP_HOST", "")
        request.META["HTTP_HOST"] = "localhost"
    else:
        try:
            request.get_host()
        except DisallowedHost:
            return _refuse_host(request)
    address = _client_address(request)
    if request.method == "POST" and request.path.startswith(ADMIN_ROOT) and request.path == reverse("admin:login"):
        if wait := address_counts.retry_after("logins", address):
            return _too_many_requests(request, "logins", wait)
        address_counts.increment("logins", address)
    wait = address_counts.retry_after("refused", address)
    return _too_many_requests(request, "refused", wait) if wait and _is_anonymous(request) else None


def count_refusal(request: HttpRequest, response: HttpResponse) -> None:
    """Count a refusal by its address, and pages of the admin without a session."""
    is_anonymous = getattr(request, "auth", None) is None and settings.SESSION_COOKIE_NAME not in request.COOKIES
    counts_by_status = response.status_code in REFUSAL_STATUSES and (
        response.status_code != 400 or getattr(request, "wrong_host", False)
    )
    if is_anonymous and (request.path.startswith(ADMIN_ROOT) or counts_by_status):
        address_counts.increment("refused", _client_address(request))


def _refuse_host(request: HttpRequest) -> HttpResponse:
    request.wrong_host = True  # type: ignore[attr-defined]
    if wait := address_counts.retry_after("refused", _client_address(request)):
        return _too_many_requests(request, "refused", wait)
    message = (
        "This system does not answer to the host name of the request. If it is one of its own, add it to "
        "MOVIEREC_ALLOWED_HOSTS and restart."
    )
    return problem_response(request, 400, message, "host_not_allowed")


def _is_anonymous(request: HttpRequest) -> bool:
    """Return whether the call could only end in a refusal, or in the login page."""
    if request.path.startswith(ADMIN_ROOT):
        return settings.SESSION_COOKIE_NAME not in request.COOKIES
    if request.META.get("HTTP_AUTHORIZATION", "").lower().startswith(CREDENTIAL_PREFIXES):
        return False
    if request.path.startswith(f"/{settings.STATIC_URL.strip('/')}/"):
        return False  # a file that exists; one that does not costs a look into a table
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return True
    if not getattr(getattr(view, "cls", None), "authentication_classes", True):
        return request.method not in SAFE_METHODS
    return not settings.API_OPEN


def _too_many_requests(request: HttpRequest, scope: str, wait: float) -> HttpResponse:
    seconds = max(1, round(wait))
    is_browser = request.get_preferred_type(["application/json", "text/html"]) == "text/html"
    if request.path.startswith(ADMIN_ROOT) and is_browser:
        page = render_to_string("movierec/wait.html", {"wait": count_noun(seconds, "second")})
        response = HttpResponse(page, status=429)
        response.code = "throttled"  # type: ignore[attr-defined]  # for the metrics
    else:
        message = f"Too many such calls came from this address ({_rate_setting(scope)}, {scope})."
        response = problem_response(request, 429, message, "throttled")
    response.headers["Retry-After"] = str(seconds)
    return response


def _client_address(request: HttpRequest) -> str:
    return str(BaseThrottle().get_ident(request) or "")  # type: ignore[arg-type]  # it looks into META alone
