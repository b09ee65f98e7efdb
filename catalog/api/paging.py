"""The answer that is one page of many."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param


def page(request: Request, results: list[dict[str, Any]], following: object | None) -> Response:
    """`following`: the cursor of the next page; None on the last."""
    address = None
    if following is not None:
        address = replace_query_param(request.build_absolute_uri(), "cursor", str(following))
    return Response({"results": results, "next": address})
