"""Every error as RFC 9457 problem+json: what is wrong, where, and what to do next."""

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
from recommender.api.http.json_io import json_bytes
from recommender.serving.concurrency import Overloaded

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER = 5
LOG_INTERVAL = 10.0  # between lines of the log on what is full
NOTHING_STORED = "Nothing was stored: send the same request again later."
CLIENT_MESSAGES = {  # code -> what a client is told; which disk it is, the operator's pages and the log tell
    "disk_full": "a disk is full.",
    "redis_full": "Redis takes no writes.",
    "database_read_only": "the database takes no writes.",
}

log = logging.getLogger(__name__)


class IdempotencyMismatch(exceptions.APIException):
    status_code = 422
    default_detail = "This Idempotency-Key came with another body before: send a new key with a new body."
    default_code = "idempotency_mismatch"


class EventConflict(exceptions.APIException):
    status_code = 409
    default_code = "event_conflict"


class DatabaseUnreachable(exceptions.APIException):
    status_code = 503
    default_detail = "The database does not answer. Send the same request again: an event counts once by its event_id."
    default_code = "database_unreachable"
    wait = RETRY_AFTER


class StorageFull(exceptions.APIException):
    """A disk, Redis or a store is full, or takes no writes."""

    status_code = 503
    wait = 60  # seconds: somebody has to make room

    def __init__(self, trouble: StorageProblem) -> None:
        super().__init__(f"{NOTHING_STORED} The operator has to make room: {_client_message(trouble)}", trouble.code)
        self.default_code = trouble.code


class ServerOverloaded(exceptions.APIException):
    status_code = 503
    default_code = "overloaded"
    wait = 1.0  # seconds


def problem_details(request: HttpRequest, status: int, detail: str, **more: Any) -> dict[str, Any]:
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
    """DRF's exception handler. None leaves an unexpected error to Django, which logs it and calls `server_error`."""
    gone = isinstance(error, OperationalError | InterfaceError)
    if (trouble := storage_trouble_of(error)) is not None:
        _log_sparsely(trouble)
        error = StorageFull(trouble)
    elif gone:
        log.warning("Postgres does not answer: %s", error)
        error = DatabaseUnreachable()
    elif isinstance(error, Overloaded):
        error = ServerOverloaded(f"{error} Send the request again in a moment.")
    elif isinstance(error, Http404):
        error = exceptions.NotFound(str(error) or None)
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    request = context["request"]
    body = _validation_details(request, error) if isinstance(error, exceptions.ValidationError) else None
    body = body or problem_details(request, error.status_code, str(error.detail), code=_error_code(error))
    return Response(body, status=error.status_code, headers=_error_headers(error), content_type=PROBLEM_JSON)


def storage_trouble_of(error: BaseException) -> StorageProblem | None:
    """What is full, where that is why the call failed. A Postgres that stopped for its full disk only says that it is
    gone: where the disk is of this machine, it is looked at."""
    if isinstance(error, exceptions.APIException | Overloaded | Http404 | PermissionDenied):
        return None
    if (trouble := disk_space.storage_problem(error)) is not None:
        return trouble
    folder = settings.WRITTEN_FOLDERS.get("database")
    if isinstance(error, OperationalError | InterfaceError) and folder is not None and disk_space.is_full(folder):
        return StorageProblem("disk_full", disk_space.disk_full_message(folder))
    return None


_last_logged: dict[str, float] = {}  # code -> monotonic seconds


def _log_sparsely(trouble: StorageProblem) -> None:
    """A line of the log now and then: a full disk refuses thousands of calls, and the log may lie on it."""
    now = time.monotonic()
    if now - _last_logged.get(trouble.code, float("-inf")) >= LOG_INTERVAL:
        _last_logged[trouble.code] = now
        log.error("%s", trouble.message)


def _client_message(trouble: StorageProblem) -> str:
    return CLIENT_MESSAGES.get(trouble.code, "there is no room.")


def _error_code(error: exceptions.APIException) -> str:
    codes = error.get_codes()
    return codes if isinstance(codes, str) else error.default_code


def _error_headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(max(1, round(wait)))
    return headers


def _validation_details(request: Any, error: exceptions.ValidationError) -> dict[str, Any]:
    by_query = getattr(error, "of_query", request.method in ("GET", "HEAD"))
    found = [
        {"parameter": path[0], "detail": text}
        if by_query and path
        else {"pointer": _json_pointer(path), "detail": text}
        for path, text in _flatten(error.detail, ())
    ]
    where = "query" if by_query else "body"
    return problem_details(
        request, 400, f"The request's {where} is not valid; see errors.", code="invalid", errors=found
    )


def _flatten(detail: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _flatten(inner, path if name == api_settings.NON_FIELD_ERRORS_KEY else (*path, str(name)))
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for inner in detail:
            yield from _flatten(inner, path)
    else:
        yield path, str(detail)


def _json_pointer(path: tuple[str, ...]) -> str:
    """A JSON pointer (RFC 6901) as a URI fragment."""
    return "#" + "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


# Errors outside it: no route, a broken request, an unexpected failure ---------------------------------------------


def problem_response(request: HttpRequest, status: int, detail: str, code: str) -> HttpResponse:
    answer = HttpResponse(
        json_bytes(problem_details(request, status, detail, code=code)), status=status, content_type=PROBLEM_JSON
    )
    answer.code = code  # type: ignore[attr-defined]  # for whoever counts
    return answer


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(ADMIN_ROOT):
        return defaults.bad_request(request, exception)
    return problem_response(request, 400, "The request cannot be read.", "bad_request")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(ADMIN_ROOT):
        return defaults.page_not_found(request, exception)
    return problem_response(request, 404, "There is nothing at this address; /docs lists what there is.", "not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django calls it while the error is being handled."""
    error = sys.exc_info()[1]
    trouble = storage_trouble_of(error) if error is not None else None
    if request.path.startswith(ADMIN_ROOT):
        return _admin_error_page(request, error, trouble)
    if trouble is not None:
        return problem_response(request, 503, str(StorageFull(trouble).detail), trouble.code)
    return problem_response(request, 500, "Something failed here; the log has it under this request_id.", "error")


def _admin_error_page(
    request: HttpRequest, error: BaseException | None, trouble: StorageProblem | None
) -> HttpResponse:
    """A page that says what is away, and that nothing was saved; without anything that asks the database."""
    if trouble is None and not isinstance(error, OperationalError | InterfaceError):
        about = {"request_id": getattr(request, "request_id", "")}
        return render(request, "500.html", about, status=500)
    words = trouble.message if trouble else "The database does not answer. Try again when it is back."
    answer = render(request, "recommender/unavailable.html", {"words": words}, status=503)
    answer["Retry-After"] = str(RETRY_AFTER)
    answer.code = trouble.code if trouble else DatabaseUnreachable.default_code  # type: ignore[attr-defined]
    return answer
