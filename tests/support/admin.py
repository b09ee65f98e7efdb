"""Open the admin's pages as a browser does, and count their queries."""

from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.support import forms

MAX_QUERIES = 18  # of any page of the admin


@pytest.fixture
def editor(db: None) -> Client:
    """Return a browser in which a superuser called editor is logged in."""
    client = Client()
    client.force_login(User.objects.create_superuser("editor"))
    return client


def open_page(client: Client, name: str, *ids: Any) -> str:
    """Return the text of a page of the recommender's admin: open_page(client, "job_change", job.pk)."""
    response = client.get(reverse(f"admin:recommender_{name}", args=ids))
    assert response.status_code == 200
    return response.content.decode()


def submit_dialog(client: Client, name: str, *ids: Any, **fields: Any) -> str:
    """Submit a dialog's form as its page has it. Return the messages of the page that it leads to, or the dialog with
    its errors."""
    path = reverse(f"admin:recommender_{name}", args=[quote(pk) for pk in ids])
    response = forms.submit(client, path, fields, button=None)
    assert response.status_code == 200
    onward = response.headers.get("HX-Redirect")
    if onward is None:
        return str(response.content.decode())
    return " ".join(str(message) for message in client.get(onward).context["messages"])


def get_in_few_queries(client: Client, path: str) -> Any:
    """Open a page a second time and check that it takes no more than MAX_QUERIES. Return the response."""
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        response = client.get(path)
    assert response.status_code == 200
    assert len(queries) <= MAX_QUERIES, "\n".join(query["sql"][:150] for query in queries)
    return response
