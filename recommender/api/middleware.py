"""Around every view: a name for the request, a bound on what is read of it, and the headers that every answer has."""

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from recommender.api.errors import ADMIN_ROOT, respond

HEADER = "X-Request-ID"
ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
MAX_BODY = 2 * 1024 * 1024  # bytes

Handler = Callable[[HttpRequest], HttpResponse]


class Envelope:
    """Takes over the client's request id, or makes one; every answer carries it, and what is left of the budget."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        request.request_id = given if ACCEPTABLE.match(given) else uuid.uuid4().hex  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers[HEADER] = request.request_id  # type: ignore[attr-defined]
        if counted := getattr(request, "rate_limit", None):
            response.headers["RateLimit-Policy"], response.headers["RateLimit"] = counted
        return response


class BodyLimit:
    """Refuses a body that is too large before a byte of it is parsed. The admin has Django's own limits."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(ADMIN_ROOT):
            if request.headers.get("Transfer-Encoding"):
                return respond(request, 411, "Send the body with a Content-Length.", "length_required")
            length = request.headers.get("Content-Length", "")
            if length.isdigit() and int(length[:20]) > MAX_BODY:
                detail = f"The body has {length[:20]} bytes; the limit is {MAX_BODY} (2 MB). Send it in parts."
                return respond(request, 413, detail, "too_large")
        return self.get_response(request)
