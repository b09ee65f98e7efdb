"""Responses that are one page of many."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from catalog.api.key_paths import address_of


def page_response(
    request: Request, results: list[dict[str, Any]], next_cursor: object | None, **notes: Any
) -> Response:
    """Return a page with the address of the next one, and `notes` beside it. `next_cursor`: None on the last page."""
    address = None
    if next_cursor is not None:
        address = replace_query_param(address_of(request._request), "cursor", str(next_cursor))
    return Response({"results": results, "next": address, **notes})
