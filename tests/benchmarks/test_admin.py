"""The pages that `./run bench admin` asks for: each answers, in few queries."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from benchmarks.admin.pages import admin_pages
from benchmarks.admin.populate import populate_site
from tests.support.admin import MAX_QUERIES
from tests.support.cast import NEMO
from tests.support.forms import admin_url


@pytest.mark.slow
@pytest.mark.usefixtures("model")
def test_no_page_of_the_admin_takes_more_queries_than_it_may(admin_client):
    """Every list, sorted, searched and filtered, and every record's page, history and deletion."""
    populate_site()
    for path in (reverse("admin:index"), admin_url("movie", "change", NEMO)):
        admin_client.get(path)  # what a process reads once
    queries_by_page = {}
    for name, path in admin_pages().items():
        with CaptureQueriesContext(connection) as queries:
            page = admin_client.get(path)
        assert page.status_code in (200, 302, 403), f"{name}: {page.status_code}"
        queries_by_page[name] = len(queries)
    assert len(queries_by_page) > 150
    assert {name: number for name, number in queries_by_page.items() if number > MAX_QUERIES} == {}
