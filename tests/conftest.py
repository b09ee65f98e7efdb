"""Load the fixtures of tests/support for every test."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import RequestFactory

pytest_plugins = [
    "tests.support.cast",
    "tests.support.tiny_model",
    "tests.support.shelf",
    "tests.support.workers",
    "tests.support.api",
    "tests.support.admin",
    "tests.support.launcher",
    "tests.support.viewer_traces",
]


@pytest.fixture(autouse=True)
def no_shards_of_another_test() -> Iterator[None]:
    """Delete the histories that a test exported: the next one has other events of viewers of the same ids."""
    yield
    shutil.rmtree(settings.SHARDS_DIR, ignore_errors=True)


@pytest.fixture(autouse=True, scope="session")
def clients_are_on_this_machine() -> None:
    """Let Django's test clients send the Host that a browser on this machine sends; their default is `testserver`."""
    base_environ = RequestFactory._base_environ  # type: ignore[attr-defined]

    def local(self: RequestFactory, **request: Any) -> dict[str, Any]:
        return {"HTTP_HOST": "localhost", **base_environ(self, **request)}

    RequestFactory._base_environ = local  # type: ignore[attr-defined]
