"""The pages of a viewer and of a film, in few queries, and windows for many films at once."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from benchmarks.admin.pages import admin_pages
from benchmarks.admin.populate import populate_site
from catalog.models import Credit, Movie, Person, Rule, Viewer
from catalog.selectors import movie_watchers
from catalog.services import publish_movies
from recommender.serving import concurrency, metrics
from recommender.serving.pipeline import recommend
from recommender.serving.request import RecommendRequest
from tests.support.cast import ADA, AMELIE, BEN, EMPIRE, JEDI, NEMO, STAR_WARS, TOY_STORY
from tests.support.forms import admin_url, find_form, form_data, run_action, submit

pytestmark = pytest.mark.usefixtures("model")
MOST_QUERIES = 16


def page(client, model, pk):
    path = reverse(f"admin:catalog_{model}_change", args=[pk])
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    assert answer.status_code == 200
    assert len(queries) <= MOST_QUERIES, "\n".join(query["sql"][:150] for query in queries)
    return answer


def test_a_viewers_page_shows_taste_list_reasons_and_what_was_kept_out(admin_client):
    Viewer.objects.filter(pk=ADA).update(age_limit=13)
    answer = page(admin_client, "viewer", ADA)
    shown, facts = answer.context, answer.context["taste"]["facts"]
    assert (facts.films, facts.events, facts.liked) == (6, 12, 5)
    assert facts.mean_rating == pytest.approx(25 / 6)
    assert {(one.name, one.share) for one in facts.genres[:2]} == {("Action", 5 / 6), ("Adventure", 4 / 6)}
    assert (facts.people[0].name, facts.people[0].films) == ("Harrison Ford", 4)
    assert facts.decades == [(1970, 1), (1980, 3), (1990, 1), (2000, 1)]
    listed = recommend(RecommendRequest(viewer_id=ADA, top_k=20))
    assert [card.movie_id for card in shown["listed"]] == [one.movie_id for one in listed.recommendations]
    assert any(note.startswith("Because of ") for card in shown["listed"] for note in card.notes)
    assert ("6", "watched or rated already") in [(count, words) for words, count in shown["removed"]]
    assert "for older people" in answer.content.decode()

    before = Viewer.objects.get(pk=ADA).version
    again = reverse("admin:catalog_viewer_recompute", args=[ADA])
    admin_client.get(again)
    assert Viewer.objects.get(pk=ADA).version == before, "a GET changes nothing"
    Viewer.objects.filter(pk=ADA).update(age_limit=None)
    assert submit(admin_client, again, button=None).headers["HX-Redirect"].endswith(f"/{ADA}/change/")
    assert Viewer.objects.get(pk=ADA).version == before + 1
    assert page(admin_client, "viewer", ADA).context["source"] == "stored ahead of time"
    assert LogEntry.objects.filter(object_id=str(ADA), change_message="Recomputed the list.").exists()


def test_a_viewer_is_erased_by_who_may_and_after_a_question(admin_client, client):
    path = reverse("admin:catalog_viewer_erase", args=[ADA])
    recommend(RecommendRequest(viewer_id=ADA, top_k=5))
    analyst = User.objects.create_user("looks", is_staff=True)
    analyst.groups.add(Group.objects.get(name="analyst"))
    client.force_login(analyst)
    assert client.post(path, {"_form_submitted": True}).status_code == 403
    admin_client.get(path)
    assert Viewer.objects.filter(pk=ADA).exists()
    onward = submit(admin_client, path, button=None).headers["HX-Redirect"]
    [told] = admin_client.get(onward).context["messages"]
    assert str(told) == f"Viewer {ADA} is erased: 12 events, 0 impressions."
    assert not Viewer.objects.filter(pk=ADA).exists()
    assert not recommend(RecommendRequest(viewer_id=ADA, top_k=5)).is_known_viewer


def test_a_stranger_has_a_page_too(admin_client):
    Viewer.objects.create(pk=900)
    answer = page(admin_client, "viewer", 900)
    assert "No history yet" in answer.content.decode()
    assert answer.context["source"] == "popular films"


def test_a_films_page_shows_watchers_neighbours_and_where_it_is_shown(admin_client):
    rule = Rule.objects.create(name="Space week", action="boost", movie_id=STAR_WARS)
    recommend(RecommendRequest(viewer_id=ADA, top_k=20))
    publish_movies([NEMO], published=False)
    answer = page(admin_client, "movie", STAR_WARS)
    shown, content = answer.context, answer.content.decode()
    assert (shown["watched_by"], shown["rated"], shown["span"]) == ("1 viewer", 1, "2024 to 2024")
    near = {card.movie_id: card.notes for card in shown["neighbours"]}
    assert {EMPIRE, JEDI} <= set(near)
    assert near[EMPIRE][0].endswith("% alike")
    assert shown["standing"].chart_positions["popular"] is not None
    assert (shown["standing"].open, shown["on_lists"][:2]) == (True, (1, 0))
    assert (rule.name in content, "Certificate PG" in content, "posters.example/260.jpg" in content) == (True,) * 3
    assert not page(admin_client, "movie", NEMO).context["standing"].open


def test_pages_ask_to_come_back_while_serving_is_busy(admin_client, monkeypatch):
    rule = Rule.objects.create(name="Space week", action="boost", movie_id=STAR_WARS)
    tried = reverse("admin:catalog_rule_preview", args=[rule.pk])
    monkeypatch.setattr(concurrency, "MAX_QUEUED", 0)
    for path in (
        admin_url("viewer", "change", ADA),
        admin_url("movie", "change", STAR_WARS),
        f"{tried}?viewer={BEN}&shelf=recommend",
        f"{tried}?viewer={BEN}&shelf=home",
    ):
        answer = admin_client.get(path)
        assert answer.status_code == 200
        assert "The server is busy computing other lists. Load the page again." in answer.content.decode()


def test_what_staff_look_at_is_not_counted(admin_client, client, settings):
    rule = Rule.objects.create(name="Space week", action="boost", movie_id=STAR_WARS)
    tried = reverse("admin:catalog_rule_preview", args=[rule.pk])
    metrics._counts.clear()
    for _ in range(2):
        admin_client.get(admin_url("viewer", "change", ADA))
        admin_client.get(admin_url("movie", "change", STAR_WARS))
    for shelf in ("recommend", "popular", "home", "similar"):
        assert admin_client.get(tried, {"viewer": BEN, "shelf": shelf, "film": STAR_WARS}).context["sides"]
    assert not metrics._counts

    settings.API_OPEN = True
    client.get(f"/recommend?user_id={ADA}")
    assert (metrics._counts["answers"], metrics._counts["lists"]) == (1, 1)


def test_no_page_of_the_admin_asks_more_than_it_may(admin_client):
    """Every list, sorted, searched and filtered, every record's page, history and deletion."""
    populate_site()
    for path in (reverse("admin:index"), admin_url("movie", "change", NEMO)):
        admin_client.get(path)  # what a process reads once
    asked = {}
    for name, path in admin_pages().items():
        with CaptureQueriesContext(connection) as queries:
            answer = admin_client.get(path)
        assert answer.status_code in (200, 302, 403), f"{name}: {answer.status_code}"
        asked[name] = len(queries)
    assert len(asked) > 150
    assert {name: number for name, number in asked.items() if number > MOST_QUERIES} == {}


def test_watchers_by_hand():
    found = movie_watchers(AMELIE)
    assert (found.viewer_ids.tolist(), found.years, found.sample_share) == ([ADA], {2024: 2}, 1.0)
    assert found.ratings.tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]  # two stars


def test_many_films_get_a_window_which_is_true_at_once(admin_client):
    listed = [one.movie_id for one in recommend(RecommendRequest(viewer_id=ADA, top_k=20)).recommendations]
    changelist = reverse("admin:catalog_movie_changelist")
    asked = run_action(admin_client, changelist, "schedule", listed[:3])
    assert "Choose when 3 films are shown" in asked.content.decode()
    assert not Movie.objects.exclude(available_from=None).exists()

    soon = timezone.now() + timedelta(days=1)
    window = {"available_from_0": f"{soon:%Y-%m-%d}", "available_from_1": "20:00"}
    wrong = window | {"available_until_0": f"{soon:%Y-%m-%d}", "available_until_1": "19:00"}
    again = admin_client.post(changelist, form_data(find_form(asked), wrong, button=None))
    assert "must end after it begins" in again.content.decode()
    right = {"available_until_0": "", "available_until_1": ""}
    assert admin_client.post(changelist, form_data(find_form(again), right, button=None)).status_code == 302
    assert Movie.objects.exclude(available_from=None).count() == 3
    answer = recommend(RecommendRequest(viewer_id=ADA, top_k=17))
    assert [one.movie_id for one in answer.recommendations] == listed[3:]
    assert LogEntry.objects.filter(change_message__startswith="Window set").count() == 3


def test_a_window_for_more_than_a_thousand_films(admin_client):
    Movie.objects.bulk_create(Movie(title=f"Reel {number}", year=2099) for number in range(1_100))
    path = f"{admin_url('movie')}?year_from=2099&year_to=2099"
    chosen = {
        "action": "schedule",
        "select_across": "1",
        "_selected_action": [Movie.objects.filter(year=2099).earliest("pk").pk],
    }
    asked = submit(admin_client, path, chosen, button="index", form_id="changelist-form")
    assert "Choose when 1,100 films are shown" in asked.content.decode()

    window = {"available_from_0": "2100-01-01", "available_from_1": "20:00"}
    assert admin_client.post(path, form_data(find_form(asked), window, button=None)).status_code == 302
    assert Movie.objects.exclude(available_from=None).count() == 1_100


def test_a_film_with_hundreds_of_credits_is_saved(admin_client):
    people = Person.objects.bulk_create(Person(name=f"Extra {number}") for number in range(260))
    Credit.objects.bulk_create(Credit(movie_id=NEMO, person=one, role=Credit.Role.ACTOR, order=9) for one in people)
    path = admin_url("movie", "change", NEMO)
    assert submit(admin_client, path, {"title": "Nemo"}).status_code == 302
    assert Movie.objects.get(pk=NEMO).title == "Nemo"


def test_the_history_of_a_film_says_what_was_and_is(admin_client):
    path = admin_url("movie", "change", TOY_STORY)
    submit(admin_client, path, {"title": "Toys", "certificate": "PG"})
    run_action(admin_client, admin_url("movie"), "unpublish", [TOY_STORY])
    told = LogEntry.objects.filter(object_id=str(TOY_STORY)).order_by("pk").values_list("change_message", flat=True)
    assert list(told) == ["Title: Toy Story → Toys; Certificate: G → PG", "Published: True → False"]
