"""What every test may use."""

from typing import Any

import pytest
from django.test import RequestFactory


@pytest.fixture(autouse=True, scope="session")
def clients_are_on_this_machine() -> None:
    """They ask it by its name, as a browser on it does; Django's own ask for a host of another name."""
    made = RequestFactory._base_environ  # type: ignore[attr-defined]

    def local(self: RequestFactory, **request: Any) -> dict[str, Any]:
        return {"HTTP_HOST": "localhost", **made(self, **request)}

    RequestFactory._base_environ = local  # type: ignore[attr-defined]
