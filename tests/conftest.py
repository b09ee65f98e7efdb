"""Load the fixtures of tests/support for every test."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.management.commands import flush
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


# No test changes them, and they take longer to make than a test.
KEPT_TABLES = {"django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}


@pytest.fixture(autouse=True, scope="session")
def permissions_stay() -> Iterator[None]:
    """Have a transactional test's end empty all tables but those of permissions, which Django makes anew otherwise."""

    def empty_tables(style: Any, connection: Any, **options: Any) -> list[str]:
        tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        return list(connection.ops.sql_flush(style, sorted(set(tables) - KEPT_TABLES), **options))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "sql_flush", empty_tables)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_: None)
        yield


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
