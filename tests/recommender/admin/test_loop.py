"""What was shown, as it looked and with what came of it; and the page that sums it up."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.urls import reverse

from recommender import tasks
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN

pytestmark = pytest.mark.usefixtures("more_movies")
PAGES = "admin:recommender_servedlist"


def listed(client, search):
    """Return the lists of a search: id and viewer, the newest first."""
    page = client.get(reverse(f"{PAGES}_changelist"), {"q": search})
    assert page.status_code == 200
    return [(row.pk.hex, row.viewer_id) for row in page.context["cl"].result_list]


def click(site, answer, film, viewer=ADA, kind="click"):
    """Send an event of a film of a list."""
    event = {"user_id": viewer, "movie_id": film, "kind": kind, "recommendation_id": answer["recommendation_id"]}
    site.post("/events", event)


def test_a_list_is_shown_as_it_looked_with_what_was_done(site, admin_client):
    served = site.get(f"/recommend?user_id={ADA}&top_k=5")
    films = recommended_ids(served)
    for kind in ("impression", "click", "watch"):
        click(site, served, films[2], kind=kind)
    tasks.store_served_lists()
    address = reverse(f"{PAGES}_change", args=[served["recommendation_id"]])
    page = admin_client.get(address)
    cards = page.context["cards"]
    assert [str(card.movie_id) for card in cards] == films
    assert [note.split(" after ")[0] for note in cards[2].notes] == ["seen", "click", "play", "completion"]
    assert [card.is_highlighted for card in cards] == [False, False, True, False, False]
    assert "As it looked" in page.content.decode()
    assert admin_client.post(address, {"surface": 3}).status_code == 403


def test_a_list_is_computed_again_from_its_page(site, admin_client):
    served = site.get("/latest?top_k=4")
    tasks.store_served_lists()

    def said():
        page = admin_client.get(reverse(f"{PAGES}_compute_again", args=[served["recommendation_id"]]), follow=True)
        assert page.context["original"].pk.hex == served["recommendation_id"]
        return [str(message) for message in page.context["messages"]]

    assert said() == ["Computed again: the same."]
    first = recommended_ids(served)[0]
    site.patch(f"/movies/{first}", {"published": False})
    assert said() == [f"Computed again: different, explained. Not to be listed any more: {first}."]
    assert admin_client.get(reverse(f"{PAGES}_compute_again", args=["0" * 32])).status_code == 404


def test_a_viewers_lists_are_found_from_their_page(site, admin_client):
    site.post("/events", {"user_id": "ann@example.org", "movie_id": "1", "kind": "watch"})
    ada = site.get(f"/recommend?user_id={ADA}&top_k=3")["recommendation_id"]
    ann = site.get("/recommend?user_id=ann@example.org&top_k=3")["recommendation_id"]
    both = site.post("/recommend", {"user_ids": [ADA, BEN], "top_k": 3})["recommendation_id"]
    tasks.store_served_lists()
    assert [served for served, _ in listed(admin_client, str(ADA))] == [both, ada]
    assert [served for served, _ in listed(admin_client, "ann@example.org")] == [ann]
    assert [served for served, _ in listed(admin_client, ada)] == [ada]
    assert listed(admin_client, "nobody@example.org") == listed(admin_client, "0") == []
    assert len(listed(admin_client, "")) == 3
    page = admin_client.get(reverse("admin:catalog_viewer_change", args=[ADA])).content.decode()
    assert f"{reverse(f'{PAGES}_changelist')}?q={ADA}" in page


def test_this_week_stands_beside_the_week_before(site, admin_client):
    def week(clicked):
        for viewer in range(1, 13):
            answer = site.get(f"/recommend?user_id={viewer}&top_k=4")
            for n, film in enumerate(recommended_ids(answer)):
                click(site, answer, film, viewer, "impression")
                if n < clicked:
                    click(site, answer, film, viewer)
        tasks.store_served_lists()
        tasks.sum_up_outcomes(days=9)

    with time_machine.travel(datetime.now(UTC) - timedelta(days=8), tick=True):
        week(1)
    week(3)
    page = admin_client.get(reverse(f"{PAGES}_insights"))
    figures = {figure.title: figure for figure in page.context["figures"]}
    through = figures["Click-through"]
    assert (through.now, through.before, through.is_other) == ("75.00%", "25.00%", True)
    assert through.chart.count("<rect") == 2
    tables = dict(page.context["tables"])
    assert [(row.value, row.lists, row.rate, row.before) for row in tables["By the call"]] == [
        ("recommend", "12", "75.00%", "25.00%")
    ]
    assert [row.rate for row in tables["By the place of the film"]] == ["100.00%"] * 3 + ["0.00%"]


def test_the_page_says_what_to_do_where_nothing_is_recorded(admin_client, client):
    page = admin_client.get(reverse(f"{PAGES}_insights")).content.decode()
    assert "Send impressions, clicks and plays" in page
    editor = User.objects.create_user("edits", is_staff=True)
    editor.groups.add(Group.objects.get(name="editor"))
    client.force_login(editor)
    assert client.get(reverse(f"{PAGES}_insights")).status_code == 403
    editor.groups.set([Group.objects.get(name="analyst")])
    assert client.get(reverse(f"{PAGES}_insights")).status_code == 200
