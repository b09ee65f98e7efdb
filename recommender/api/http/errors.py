"""Errors as RFC 9457 problem+json: what is wrong, where, and what to do next."""

import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from infrastructure import disk_space
from infrastructure.body_limits import ADMIN_ROOT
from infrastructure.disk_space import StorageProblem
from recommender import process_state
from recommender.api.http.json_io import json_bytes
from recommender.serving.concurrency import Overloaded
from recommender.serving.paging.page import PagesUnavailable
from recommender.serving.paging.tokens import CursorExpired

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER = 5  # seconds
LOG_INTERVAL = 10.0  # seconds between log lines about one full disk or store
# Of SQL: two transactions waited for each other (40), or one waited for longer than the operator lets it (55, 57).
BUSY_STATES = ("40001", "40P01", "55P03", "57014")
LIMIT_STATES = "54"  # a statement that Postgres will never carry out
NOTHING_STORED = "Nothing was stored: send the same request again later."
CLIENT_MESSAGES = {  # by code; which disk it is stands in the log and on the operator's pages alone
    "disk_full": "a disk is full.",
    "redis_full": "Redis takes no writes.",
    "database_read_only": "the database takes no writes.",
}

log = logging.getLogger(__name__)

_last_logged: dict[str, float] = {}  # code of a storage problem -> monotonic seconds
process_state.register("API: when each full disk or store was logged", _last_logged.clear)


class DatabaseUnreachable(exceptions.APIException):
    """Postgres does not answer."""

    status_code = 503
    default_detail = "The database does not answer. Send the same request again: an event counts once by its event_id."
    default_code = "database_unreachable"
    wait = RETRY_AFTER


class DatabaseBusy(exceptions.APIException):
    """Postgres answers, and gave the call up as others were in its way."""

    status_code = 503
    default_detail = "Other calls wrote to the same records. Nothing was stored: send the same request again."
    default_code = "database_busy"
    wait = 1.0  # seconds


class StorageFull(exceptions.APIException):
    """A disk, Redis or a store is full, or takes no writes."""

    status_code = 503
    wait = 60  # seconds: an operator has to make room

    def __init__(self, problem: StorageProblem) -> None:
        message = CLIENT_MESSAGES.get(problem.code, "there is no room.")
        super().__init__(f"{NOTHING_STORED} The operator has to make room: {message}", problem.code)
        self.default_code = problem.code


class CursorGone(exceptions.APIException):
    """A list cannot be continued any more."""

    status_code = 410
    default_detail = "The list of this cursor is not kept any more: begin a new list, without a cursor."
    default_code = "cursor_expired"


class NoNextPages(exceptions.APIException):
    """What the pages of lists showed cannot be read."""

    status_code = 503
    default_detail = "No next page can be made while Redis is down. Send the same request again later."
    default_code = "pages_unavailable"
    wait = RETRY_AFTER


class ServerOverloaded(exceptions.APIException):
    """As many calls are computed and wait as may."""

    status_code = 503
    default_code = "overloaded"
    wait = 1.0  # seconds


def problem_details(request: HttpRequest, status: int, detail: str, **more: Any) -> dict[str, Any]:
    """Return the body of an error; `more`: further members."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "request_id": getattr(request, "request_id", ""),
        **more,
    }


# Errors inside the API ---------------------------------------------------------------------------------------------


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn an exception of a view into an answer; None leaves it to Django, which logs it and calls `server_error`."""
    if (problem := storage_problem_of(error)) is not None:
        now = time.monotonic()
        # A full disk refuses thousands of calls, and the log may lie on it: one line now and then.
        if now - _last_logged.get(problem.code, float("-inf")) >= LOG_INTERVAL:
            _last_logged[problem.code] = now
            log.error("%s", problem.message)
        error = StorageFull(problem)
    elif (unavailable := _database_unavailable(error)) is not None:
        log.warning("Postgres: %s", error)
        error = unavailable
    elif isinstance(error, Overloaded):
        error = ServerOverloaded(f"{error} Send the request again in a moment.")
    elif isinstance(error, CursorExpired):
        error = CursorGone()
    elif isinstance(error, PagesUnavailable):
        error = NoNextPages()
    elif isinstance(error, Http404):
        error = exceptions.NotFound(str(error) or None)
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    request = context["request"]
    if isinstance(error, exceptions.ValidationError):
        body = _validation_details(request, error)
    else:
        codes = error.get_codes()
        code = codes if isinstance(codes, str) else error.default_code
        body = problem_details(request, error.status_code, str(error.detail), code=code)
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(max(1, round(wait)))
    return Response(body, status=error.status_code, headers=headers, content_type=PROBLEM_JSON)


def _database_unavailable(error: BaseException | None) -> DatabaseUnreachable | DatabaseBusy | None:
    """Return the answer for an error of Postgres that passes by itself; None for any other error."""
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    state = getattr(error.__cause__, "sqlstate", None) or ""
    if state in BUSY_STATES:
        return DatabaseBusy()
    return None if state.startswith(LIMIT_STATES) else DatabaseUnreachable()


def storage_problem_of(error: BaseException) -> StorageProblem | None:
    """Return what is full, where that is why the call failed, else None.

    A Postgres that stopped for its full disk only says that it is gone: the disk is looked at where it is this
    machine's.
    """
    if isinstance(error, exceptions.APIException | Overloaded | Http404 | PermissionDenied):
        return None
    if (problem := disk_space.storage_problem(error)) is not None:
        return problem
    folder = settings.WRITTEN_FOLDERS.get("database")
    if isinstance(error, OperationalError | InterfaceError) and folder is not None and disk_space.is_full(folder):
        return StorageProblem("disk_full", disk_space.disk_full_message(folder))
    return None


def _validation_details(request: Any, error: exceptions.ValidationError) -> dict[str, Any]:
    """Return the body for values that are not valid: each error with its parameter, or its JSON pointer (RFC 6901)."""
    of_query = getattr(error, "of_query", request.method in ("GET", "HEAD"))
    errors = []
    for path, text in _flatten(error.detail, ()):
        if of_query and path:
            errors.append({"parameter": path[0], "detail": text})
        else:
            pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
            errors.append({"pointer": f"#{pointer}", "detail": text})
    detail = f"The request's {'query' if of_query else 'body'} is not valid; see errors."
    return problem_details(request, 400, detail, code="invalid", errors=errors)


def _flatten(detail: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path and text of each error."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _flatten(inner, path if name == api_settings.NON_FIELD_ERRORS_KEY else (*path, str(name)))
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for inner in detail:
            yield from _flatten(inner, path)
    else:
        yield path, str(detail)


# Errors outside the API: no route, a broken request, an unexpected failure ------------------------------------------


def problem_response(request: HttpRequest, status: int, detail: str, code: str) -> HttpResponse:
    """Return an error as an answer of Django; `code` also counts in the metrics."""
    body = json_bytes(problem_details(request, status, detail, code=code))
    response = HttpResponse(body, status=status, content_type=PROBLEM_JSON)
    response.code = code  # type: ignore[attr-defined]  # for the metrics
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django cannot read: Django's handler400."""
    if request.path.startswith(ADMIN_ROOT):
        return defaults.bad_request(request, exception)
    return problem_response(request, 400, "The request cannot be read.", "bad_request")


MESSAGE_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"  # it has its style in it


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for an address that does not exist, with a page in a browser: Django's handler404."""
    types = ["application/problem+json", "application/json", "text/html"]
    is_page = request.method in ("GET", "HEAD") and request.get_preferred_type(types) == "text/html"
    if request.path.startswith(ADMIN_ROOT):
        return defaults.page_not_found(request, exception)
    if is_page:
        page = defaults.page_not_found(request, exception)
        page.headers["Content-Security-Policy"] = MESSAGE_PAGE_POLICY
        page.headers["Vary"] = "Accept"
        return page
    return problem_response(request, 404, "There is nothing at this address; /docs lists what there is.", "not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for an unexpected error while it is handled: Django's handler500."""
    error = sys.exc_info()[1]
    problem = storage_problem_of(error) if error is not None else None
    if request.path.startswith(ADMIN_ROOT):
        return _admin_error_page(request, error, problem)
    if problem is not None:
        return problem_response(request, 503, str(StorageFull(problem).detail), problem.code)
    return problem_response(request, 500, "Something failed here; the log has it under this request_id.", "error")


def _admin_error_page(
    request: HttpRequest, error: BaseException | None, problem: StorageProblem | None
) -> HttpResponse:
    """Return a page that says what is down, and that nothing was saved; it asks nothing of the database."""
    unavailable = _database_unavailable(error)
    if problem is not None:
        message, code = problem.message, problem.code
    elif isinstance(unavailable, DatabaseBusy):
        message, code = str(unavailable.detail), unavailable.default_code
    elif unavailable is not None:
        message, code = "The database does not answer. Try again when it is back.", unavailable.default_code
    else:
        return render(request, "500.html", {"request_id": getattr(request, "request_id", "")}, status=500)
    page = render(request, "recommender/unavailable.html", {"message": message}, status=503)
    page["Retry-After"] = str(RETRY_AFTER)
    page.code = code  # type: ignore[attr-defined]
    return page
