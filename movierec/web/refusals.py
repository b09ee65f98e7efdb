"""Answers to requests that never reach the application, as the application's own errors are: RFC 9457 problem+json."""

import json
import uuid
from http import HTTPStatus
from typing import NamedTuple


class _Refusal(NamedTuple):
    code: str
    detail: str


_REFUSALS = {
    408: _Refusal("request_timeout", "The request did not come in time. Send it again, all of it at once."),
    414: _Refusal(
        "address_too_long", "The address is too long. Send long lists in the body of a POST, or fewer of them."
    ),
    431: _Refusal("headers_too_large", "The headers are too long. Send fewer or shorter ones."),
    500: _Refusal("error", "Something failed here. Send the same request again later."),
    503: _Refusal("overloaded", "There is no room for the request now. Send it again later."),
}


STOPPING = _Refusal("stopping", "This process is about to stop. Another one answers.")


def refusal(status: int, detail: str = "", *, stopping: bool = False) -> bytes:
    """Return a whole answer of HTTP/1.1 that ends the connection. `detail`: what is wrong, where the status alone does
    not say what to do. `stopping`: the process is, and says so to who asks whether it is ready."""
    unreadable = _Refusal("bad_request", f"The request cannot be read: {detail[:200]}")
    code, advice = STOPPING if stopping else _REFUSALS.get(status, unreadable)
    request_id = uuid.uuid4().hex
    body = json.dumps(
        {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": advice,
            "instance": "",
            "request_id": request_id,
            "code": code,
        }
    ).encode()
    head = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Connection: close",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Cache-Control: private, no-store",
        f"X-Request-ID: {request_id}",
        *(["Retry-After: 1"] if status == HTTPStatus.SERVICE_UNAVAILABLE else []),
    ]
    return "\r\n".join([*head, "", ""]).encode() + body
