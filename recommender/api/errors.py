"""Every error as RFC 9457 problem+json: what is wrong, where, and what to do next."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from recommender.api.wire import dump
from recommender.serving.capacity import Busy

PROBLEM = "application/problem+json"
RETRY_SECONDS = 5
ADMIN_ROOT = "/admin/"

log = logging.getLogger(__name__)


class IdempotencyMismatch(exceptions.APIException):
    status_code = 422
    default_detail = "This Idempotency-Key came with another body before: send a new key with a new body."
    default_code = "idempotency_mismatch"


class DatabaseUnreachable(exceptions.APIException):
    status_code = 503
    default_detail = "The database does not answer. Nothing was stored: send the same request again."
    default_code = "database_unreachable"
    wait = RETRY_SECONDS


class Overloaded(exceptions.APIException):
    status_code = 503
    default_code = "overloaded"
    wait = 1.0  # seconds


def problem(request: HttpRequest, status: int, detail: str, **more: Any) -> dict[str, Any]:
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


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler. None leaves an unexpected error to Django, which logs it and calls `server_error`."""
    if isinstance(error, OperationalError | InterfaceError):
        log.warning("Postgres does not answer: %s", error)
        error = DatabaseUnreachable()
    elif isinstance(error, Busy):
        error = Overloaded(f"{error} Send the request again in a moment.")
    elif isinstance(error, Http404):
        error = exceptions.NotFound(str(error) or None)
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    request = context["request"]
    body = _validation_problem(request, error) if isinstance(error, exceptions.ValidationError) else None
    body = body or problem(request, error.status_code, str(error.detail), code=_code(error))
    return Response(body, status=error.status_code, headers=_headers(error), content_type=PROBLEM)


def _code(error: exceptions.APIException) -> str:
    codes = error.get_codes()
    return codes if isinstance(codes, str) else error.default_code


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(max(1, round(wait)))
    return headers


def _validation_problem(request: Any, error: exceptions.ValidationError) -> dict[str, Any]:
    by_query = getattr(error, "of_query", request.method in ("GET", "HEAD"))
    found = [
        {"parameter": path[0], "detail": text} if by_query and path else {"pointer": _pointer(path), "detail": text}
        for path, text in _leaves(error.detail, ())
    ]
    where = "query" if by_query else "body"
    return problem(request, 400, f"The request's {where} is not valid; see errors.", code="invalid", errors=found)


def _leaves(detail: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _leaves(inner, path if name == api_settings.NON_FIELD_ERRORS_KEY else (*path, str(name)))
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for inner in detail:
            yield from _leaves(inner, path)
    else:
        yield path, str(detail)


def _pointer(path: tuple[str, ...]) -> str:
    """A JSON pointer (RFC 6901) as a URI fragment."""
    return "#" + "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


# Errors outside it: no route, a broken request, an unexpected failure ---------------------------------------------


def respond(request: HttpRequest, status: int, detail: str, code: str) -> HttpResponse:
    return HttpResponse(dump(problem(request, status, detail, code=code)), status=status, content_type=PROBLEM)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(ADMIN_ROOT):
        return defaults.bad_request(request, exception)
    return respond(request, 400, "The request cannot be read.", "bad_request")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(ADMIN_ROOT):
        return defaults.page_not_found(request, exception)
    return respond(request, 404, "There is nothing at this address; /docs lists what there is.", "not_found")


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path.startswith(ADMIN_ROOT):
        return defaults.server_error(request)
    return respond(request, 500, "Something failed here; the log has it under this request_id.", "error")
