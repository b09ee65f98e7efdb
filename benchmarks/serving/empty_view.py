"""An empty view behind the middleware, the key check and the throttle: the least that a response can cost."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response

from benchmarks.serving.client import QUERY_COUNT_HEADER
from recommender.api.base_view import ApiView
from recommender.api.http.middleware import Handler


class EmptyView(ApiView):
    """Returns an empty object."""

    def get(self, request: Request) -> Response:
        """Return an empty object."""
        return Response({})


class QueryCountMiddleware:
    """Adds the number of database queries to responses whose request has the header for it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if QUERY_COUNT_HEADER not in request.headers:
            return self.get_response(request)
        queries = 0

        def count(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
            nonlocal queries
            queries += 1
            return execute(sql, params, many, context)

        with connection.execute_wrapper(count):
            response = self.get_response(request)
        response.headers[QUERY_COUNT_HEADER] = str(queries)
        return response


urlpatterns = [path("floor", EmptyView.as_view()), path("", include("movierec.urls"))]
