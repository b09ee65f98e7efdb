"""The least that an answer can cost here: an empty view behind the middleware, the key check and the throttle."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response

from benchmarks.serving.client import QUERY_COUNT_HEADER
from recommender.api.base_view import ApiView
from recommender.api.http.middleware import Handler


class EmptyView(ApiView):
    def get(self, request: Request) -> Response:
        return Response({})


class QueryCountMiddleware:
    """Tells how many queries a request made of the database, where the request asks for it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if QUERY_COUNT_HEADER not in request.headers:
            return self.get_response(request)
        made = 0

        def count(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
            nonlocal made
            made += 1
            return execute(sql, params, many, context)

        with connection.execute_wrapper(count):
            response = self.get_response(request)
        response.headers[QUERY_COUNT_HEADER] = str(made)
        return response


urlpatterns = [path("floor", EmptyView.as_view()), path("", include("movierec.urls"))]
