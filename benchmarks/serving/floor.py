"""The least that an answer can cost here: an empty view behind the middleware, the key check and the throttle."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response

from benchmarks.serving.client import COUNT
from recommender.api.middleware import Handler
from recommender.api.views import ApiView


class Floor(ApiView):
    def get(self, request: Request) -> Response:
        return Response({})


class QueryCount:
    """Tells how many queries a request made of the database, where the request asks for it."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if COUNT not in request.headers:
            return self.get_response(request)
        made = 0

        def count(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
            nonlocal made
            made += 1
            return execute(sql, params, many, context)

        with connection.execute_wrapper(count):
            response = self.get_response(request)
        response.headers[COUNT] = str(made)
        return response


urlpatterns = [path("floor", Floor.as_view()), path("", include("movierec.urls"))]
