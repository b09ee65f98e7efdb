"""The admin's dashboard: its figures by hand, in few queries."""

import re
from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from catalog.models import Viewer
from catalog.plurals import count_noun
from recommender import process_state
from recommender.models import Job
from recommender.monitoring.checks import join_sentences
from recommender.serving import metrics
from tests.support.admin import get_in_few_queries
from tests.support.cast import ADA, BEN, EVE


@pytest.fixture(autouse=True)
def no_counts():
    process_state.clear()


def tiles(response):
    return {tile.label: tile for _, tiles in response.context["questions"] for tile in tiles}


def test_the_tiles_answer_what_viewers_get_how_new_and_how_fast(client, admin_client, settings, model, monkeypatch):
    settings.API_OPEN = True
    for viewer in (ADA, ADA, ADA, BEN, EVE):
        assert client.get(f"/recommend?user_id={viewer}&top_k=5").status_code == 200
    client.get("/home?user_id=101")  # counted as one answer, whatever its rows ask for
    client.get("/popular?user_id=101")  # a chart that was asked for is no fallback
    monkeypatch.setattr("recommender.serving.pipeline.open_context", lambda *_, **__: 1 / 0)
    client.raise_request_exception = False
    assert client.get(f"/recommend?user_id={ADA}").status_code == 500
    monkeypatch.undo()
    settings.API_OPEN = True
    monkeypatch.setattr(metrics, "FLUSH_SECONDS", 0)
    metrics.flush()
    Job.objects.create(kind=Job.Kind.BATCH)

    page = get_in_few_queries(admin_client, "/admin/")
    found = tiles(page)
    assert found["Model in charge"].value == model.name
    assert (found["Failed answers, last hour"].value, found["Failed answers, last hour"].state) == ("12.5%", "bad")
    assert "1 of 8" in found["Failed answers, last hour"].message
    assert (
        found["Lists that lay ready, last hour"].value == "50.0%"
    )  # Ada's two, beside what was made for her and for Ben
    assert found["Lists without the model, last hour"].value == "0.0%"
    assert found["What viewers did today"].value == "0"
    assert found["Viewers with a list ready"].value == "50.0%"
    assert "1 job waiting" in found["Queue"].message
    assert found["Last night's run"].state == "warn"
    content = page.content.decode()
    assert "Is it up to date?" in content
    assert "recommender/admin.css" in content


def test_shares_and_latencies_by_hand():
    total = {"answers": 98, "failed": 2, "lists": 50, "fallback": 5, "ms:1": 60, "ms:5": 38, "ms:over": 2}
    assert (metrics.rate(total, "failed"), metrics.rate(total, "fallback")) == (0.02, 0.1)
    assert [metrics.percentile(total, part) for part in (0.5, 0.6, 0.95, 0.99)] == [1, 1, 5, float("inf")]
    assert (metrics.rate({}, "failed"), metrics.percentile({}, 0.5)) == (None, None)


@pytest.mark.django_db
def test_staff_who_may_not_see_models_get_the_list_of_pages(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("new", is_staff=True))
    page = client.get("/admin/")
    assert page.status_code == 200
    assert "questions" not in page.context


def test_the_summary_counts_checks_and_states_need_no_colours(admin_client):
    Job.objects.create(kind=Job.Kind.NIGHTLY, status=Job.Status.FAILED, error="No memory.", finished_at=timezone.now())
    page = admin_client.get("/admin/")
    questions = dict(page.context["questions"])
    assert next(iter(questions)) == "What needs a look?", "the failed checks come first"
    system_tiles = [*questions["What needs a look?"], *questions["Does every part run?"]]
    red, amber = (sum(tile.state == state for tile in system_tiles) for state in ("bad", "warn"))
    failed, looked_at = count_noun(red, "check"), count_noun(amber, "check")
    assert red
    assert f"{failed} failed and {looked_at} should be looked at of {len(system_tiles)}" in page.context["summary"]
    content = page.content.decode()
    assert page.context["summary"] in content
    assert content.count('<span class="mr-hidden">failed: </span>') >= red


def test_new_viewers_who_watched_nothing_are_counted(admin_client):
    def tile():
        found = tiles(admin_client.get("/admin/"))["New viewers, last day"]
        return found.value, found.message

    assert tile() == ("0", "")
    Viewer.objects.create(pk=987_001)
    Viewer.objects.create(pk=987_002)
    assert tile() == ("2", "None of them watched anything.")


def test_without_calls_the_tiles_of_answers_are_empty(admin_client):
    found = tiles(admin_client.get("/admin/"))
    assert (found["Failed answers, last hour"].message, found["An answer takes"].message) == ("", "")


def test_numbers_on_the_page_have_their_nouns(admin_client, settings, model, monkeypatch):
    settings.API_OPEN = True
    monkeypatch.setattr(metrics, "FLUSH_SECONDS", 0)
    assert admin_client.get(f"/recommend?user_id={ADA}").status_code == 200
    metrics.flush()
    assert tiles(admin_client.get("/admin/"))["Failed answers, last hour"].message == "0 of 1 answer"


def test_detail_and_remedy_are_two_sentences():
    assert join_sentences("Its server is gone", "Start it.") == "Its server is gone. Start it."
    assert join_sentences("Its server is gone.", "Start it.") == "Its server is gone. Start it."
    assert (join_sentences("", "Start it."), join_sentences("2 waiting", "")) == ("Start it.", "2 waiting")


def path_of(page: Any) -> list[tuple[str, str]]:
    """Return the links at the page's top, each with its words; not what is said beside them in smaller letters."""
    heading = page.content.decode().partition("<h1")[2].partition("</h1>")[0].partition("<span")[0]
    return [
        (link, unescape(words).strip()) for link, words in re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a', heading)
    ]


def test_the_menu_is_in_the_order_of_the_work_and_names_every_page(admin_client):
    groups = admin_client.get("/admin/").context["sidebar_navigation"]
    titles = [str(group["title"]) for group in groups]
    assert [title for title in titles if title] == [
        "Films",
        "What viewers are shown",
        "Models",
        "Access",
        "Times of jobs",
    ], "a page that no group names stands under More"
    pages = [item["title"] for group in groups for item in group["items"]]
    assert pages[0] == "Today"
    assert pages.index("Films") < pages.index("Rules") < pages.index("Models") < pages.index("By the sun")
    assert pages[-1] == "The storefront"
    for group in groups:
        for item in group["items"]:
            page = admin_client.get(item["link"])
            assert page.status_code == 200, item["title"]
            if group["title"]:  # the page calls itself what the menu calls it, and so does its path
                assert re.search(rf"<title>\s*{re.escape(item['title'])} \| movierec", page.content.decode())
                assert path_of(page) == [(item["link"], item["title"])]
