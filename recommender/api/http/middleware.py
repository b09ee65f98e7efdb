"""Around every view: the request id, a bound on the body, headers of every answer, the log line and the metrics."""

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator
from typing import cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from infrastructure import tracing
from infrastructure.body_limits import max_body_bytes
from infrastructure.logs import request_id, route_pattern
from recommender import actors
from recommender.api.http import anonymous_limits
from recommender.api.http.errors import ADMIN_ROOT, problem_response, storage_problem_of
from recommender.serving import concurrency, metrics

REQUEST_ID_HEADER = "X-Request-ID"
VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
SLOW_SECONDS = 1.0

# The first part of an address -> the class that its calls and failures are counted in.
CALL_CLASS_BY_PATH = {
    **dict.fromkeys(("recommend", "similar", "home", "popular", "trending", "latest"), "lists"),
    **dict.fromkeys(("movies", "people", "genres"), "catalogue"),
    **dict.fromkeys(("users", "viewer-tokens"), "viewers"),
    **{name: name for name in ("events", "imports", "exports", "jobs", "batch", "admin")},
}
OVERLOADED_CODE = "overloaded"  # the code of a refusal that is no failure: it bounds what is computed at once

# What a browser may do with an answer: read it. The admin and /docs run scripts of their own, inline too, and show
# posters from elsewhere; nothing else is loaded from or sent to another site.
PAGE_PATHS = (ADMIN_ROOT, "/docs")
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: https: http:; font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)

log = logging.getLogger(__name__)

Handler = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Take over the client's request id, or make one; every answer carries it, and what is left of the rate limit."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not tracing.is_on():
            return self._answer(request)
        with tracing.request_span(request.method or "", request.headers) as span:
            response = self._answer(request)
            this_id = response.headers[REQUEST_ID_HEADER]
            tracing.describe_request(span, request.method or "", route_pattern(request), response.status_code, this_id)
            return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        client_id = request.headers.get(REQUEST_ID_HEADER, "")
        this_id = client_id if VALID_REQUEST_ID.match(client_id) else tracing.trace_id() or uuid.uuid4().hex
        request.request_id = this_id  # type: ignore[attr-defined]
        request_id.set(this_id)
        token = actors.current_request.set(request)
        try:
            response = anonymous_limits.refuse_early(request) or self.get_response(request)
        finally:
            actors.current_request.reset(token)
            concurrency.end_call()
        anonymous_limits.count_refusal(request, response)
        seconds = time.perf_counter() - started
        _log_request(request, response.status_code, seconds)
        _count_request(request, response)
        metrics.count_request(request.method or "", route_pattern(request), response.status_code, seconds)
        response.headers[REQUEST_ID_HEADER] = this_id
        is_page = request.path.startswith(PAGE_PATHS)
        response.headers.setdefault("Content-Security-Policy", PAGE_POLICY if is_page else DATA_POLICY)
        if rate_limit := getattr(request, "rate_limit", None):
            response.headers["RateLimit-Policy"], response.headers["RateLimit"] = rate_limit
        return response


def _log_request(request: HttpRequest, status: int, seconds: float) -> None:
    """Log what failed or took long; every request where the log level is DEBUG."""
    level = logging.INFO if status >= 400 or seconds > SLOW_SECONDS else logging.DEBUG
    if log.isEnabledFor(level):
        facts = {
            "method": request.method,
            "route": route_pattern(request),
            "status": status,
            "ms": round(seconds * 1000, 1),
        }
        message = f"{request.method} {facts['route']} {status} in {facts['ms']} ms"
        log.log(level, message, extra=facts | {"client": getattr(request, "client", "")})


def _count_request(request: HttpRequest, response: HttpResponse) -> None:
    """Count the call in the metrics; of the admin only what saves or fails: what staff look at is no traffic."""
    kind = CALL_CLASS_BY_PATH.get(request.path.split("/", 2)[1])
    if kind is None or request.resolver_match is None:
        return
    body = getattr(response, "data", None)
    code = str(body.get("code", "")) if isinstance(body, dict) else str(getattr(response, "code", ""))
    failed = response.status_code >= 500 and code != OVERLOADED_CODE
    if kind == "catalogue" and request.method not in ("GET", "HEAD", "OPTIONS"):
        kind = "catalogue changes"
    if isinstance(response, StreamingHttpResponse) and not failed:
        response.streaming_content = _count_at_end(kind, cast(Iterator[bytes], response.streaming_content))
    elif kind != "admin" or failed or request.method == "POST":
        metrics.count_http_call(kind, failed, code)


def _count_at_end(kind: str, content: Iterator[bytes]) -> Iterator[bytes]:
    """Count a streamed file when it ends: it may fail when its answer has long begun."""
    try:
        yield from content
    except Exception as error:
        problem = storage_problem_of(error)
        metrics.count_http_call(kind, True, problem.code if problem else "")
        raise
    metrics.count_http_call(kind, False)


class BodySizeLimitMiddleware:
    """Refuse a body that is too large before a byte of it is parsed. The admin has Django's own limits."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(ADMIN_ROOT):
            if request.headers.get("Transfer-Encoding"):
                return problem_response(request, 411, "Send the body with a Content-Length.", "length_required")
            length = request.headers.get("Content-Length", "")
            limit = max_body_bytes(request.path)
            if length.isdigit() and int(length[:20]) > limit:
                detail = f"The body has {length[:20]} bytes; the limit is {limit} ({limit >> 20} MB). Send it in parts."
                return problem_response(request, 413, detail, "too_large")
        return self.get_response(request)
