"""Pytest plugin: the API through Django's client. Reads are open on loopback, writes take a key."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from recommender.models import ApiKey

ALL_SCOPES = tuple(ApiKey.Scope.values)


class ApiClient:
    """Send and return JSON, with the address as gunicorn tells it; the last response is `response`."""

    def __init__(self, **headers: str) -> None:
        self.client = Client(raise_request_exception=False, headers=headers)
        self.response: Any = None

    def get(self, path: str, expect: int = 200, **more: Any) -> Any:
        return self._answer(self.client.get(path, RAW_URI=path, **more), expect)

    def post(self, path: str, body: Any = None, expect: int = 200, **more: Any) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body)
        return self._answer(
            self.client.post(path, data, RAW_URI=path, **{"content_type": "application/json", **more}), expect
        )

    def patch(self, path: str, body: Any = None, expect: int = 200, **more: Any) -> Any:
        return self._answer(
            self.client.patch(path, json.dumps(body), RAW_URI=path, **{"content_type": "application/json", **more}),
            expect,
        )

    def put(self, path: str, body: Any = None, expect: int = 200, **more: Any) -> Any:
        return self._answer(
            self.client.put(path, json.dumps(body), RAW_URI=path, **{"content_type": "application/json", **more}),
            expect,
        )

    def delete(self, path: str, expect: int = 200, **more: Any) -> Any:
        return self._answer(self.client.delete(path, RAW_URI=path, **more), expect)

    def _answer(self, response: Any, expect: int) -> Any:
        self.response = response
        assert response.status_code == expect, response.content.decode()
        return json.loads(response.content)


@pytest.fixture
def api(settings: Any) -> ApiClient:
    """Return a reader on this machine, without a key."""
    settings.API_OPEN = True
    return ApiClient()


@pytest.fixture
def client_with(db: None) -> Callable[..., ApiClient]:
    """Return a function that makes a client whose key has the given scopes."""

    def make(*scopes: str) -> ApiClient:
        _, key = ApiKey.objects.create_key(name="test", scopes=list(scopes))
        return ApiClient(Authorization=f"Api-Key {key}")

    return make


@pytest.fixture
def site(client_with: Callable[..., ApiClient]) -> ApiClient:
    """Return the site's own server: a key with every scope."""
    return client_with(*ALL_SCOPES)


def recommended_ids(body: dict[str, Any]) -> list[str]:
    """Return the movie ids of a list."""
    return [movie["movie_id"] for movie in body["recommendations"]]


def app_client(viewer: int | str, client_with: Any, *scopes: str) -> ApiClient:
    """Return an app with a viewer's token: for reading, unless `scopes` says else."""
    body = {"user_id": viewer, "seconds": 300} | ({"scopes": scopes} if scopes else {})
    made = client_with(ApiKey.Scope.READ, *([ApiKey.Scope.EVENTS] if scopes else [])).post("/viewer-tokens", body)
    return ApiClient(Authorization=f"Viewer-Token {made['token']}")
