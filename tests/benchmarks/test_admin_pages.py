"""Every page of the admin that the benchmark measures needs few queries."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from benchmarks.admin.pages import admin_pages
from benchmarks.admin.populate import populate_site
from tests.support.cast import NEMO
from tests.support.forms import admin_url

pytestmark = pytest.mark.usefixtures("model")
MAX_QUERIES = 16


def test_no_page_of_the_admin_makes_many_queries(admin_client):
    """Load every list, sorted, searched and filtered, and every record's page, history and deletion."""
    populate_site()
    for path in (reverse("admin:index"), admin_url("movie", "change", NEMO)):
        admin_client.get(path)  # what a process reads once
    queries = {}
    for name, path in admin_pages().items():
        with CaptureQueriesContext(connection) as captured:
            response = admin_client.get(path)
        assert response.status_code in (200, 302, 403), f"{name}: {response.status_code}"
        queries[name] = len(captured)
    assert len(queries) > 150
    assert {name: number for name, number in queries.items() if number > MAX_QUERIES} == {}
