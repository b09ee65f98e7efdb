"""The pages of a viewer and of a movie, in few queries, and availability windows for many movies at once."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone

from catalog.models import Credit, Movie, Person, Rule, Viewer
from catalog.selectors import movie_watchers
from catalog.services import publish_movies
from recommender.serving import concurrency, metrics
from recommender.serving.pipeline import recommend
from recommender.serving.request import RecommendRequest
from tests.support.admin import get_in_few_queries
from tests.support.cast import ADA, AMELIE, BEN, EMPIRE, JEDI, NEMO, STAR_WARS, TOY_STORY
from tests.support.forms import admin_url, find_form, form_data, run_action, submit

pytestmark = pytest.mark.usefixtures("model")


def open_record(client, model, pk):
    return get_in_few_queries(client, admin_url(model, "change", pk))


def test_a_viewers_page_shows_taste_list_explanations_and_what_was_removed(admin_client):
    Viewer.objects.filter(pk=ADA).update(age_limit=13)
    page = open_record(admin_client, "viewer", ADA)
    profile, cards = page.context["taste"]["profile"], page.context["listed"]
    assert (profile.movie_count, profile.event_count, profile.liked_count) == (6, 12, 5)
    assert profile.mean_rating == pytest.approx(25 / 6)
    assert {(genre.name, genre.share) for genre in profile.genres[:2]} == {("Action", 5 / 6), ("Adventure", 4 / 6)}
    assert (profile.people[0].name, profile.people[0].movie_count) == ("Harrison Ford", 4)
    assert profile.decades == [(1970, 1), (1980, 3), (1990, 1), (2000, 1)]
    answer = recommend(RecommendRequest(viewer_id=ADA, top_k=20))
    assert [card.movie_id for card in cards] == [row.movie_id for row in answer.recommendations]
    assert any(note.startswith("Because of ") for card in cards for note in card.notes)
    assert ("watched or rated already", "6") in page.context["removed"]
    content = page.content.decode()
    assert "6 films in 12 events, 5 liked" in content
    assert "for older people" in content

    before = Viewer.objects.get(pk=ADA).version
    recompute = admin_url("viewer", "recompute", ADA)
    admin_client.get(recompute)
    assert Viewer.objects.get(pk=ADA).version == before, "a GET changes nothing"
    Viewer.objects.filter(pk=ADA).update(age_limit=None)
    assert submit(admin_client, recompute, button=None).headers["HX-Redirect"].endswith(f"/{ADA}/change/")
    assert Viewer.objects.get(pk=ADA).version == before + 1
    assert open_record(admin_client, "viewer", ADA).context["source"] == "stored ahead of time"
    assert LogEntry.objects.filter(object_id=str(ADA), change_message="Recomputed the list.").exists()


def test_a_viewer_is_erased_with_the_permission_and_after_a_question(admin_client, client):
    path = admin_url("viewer", "erase", ADA)
    recommend(RecommendRequest(viewer_id=ADA, top_k=5))
    analyst = User.objects.create_user("looks", is_staff=True)
    analyst.groups.add(Group.objects.get(name="analyst"))
    client.force_login(analyst)
    assert client.post(path, {"_form_submitted": True}).status_code == 403
    admin_client.get(path)
    assert Viewer.objects.filter(pk=ADA).exists()
    onward = submit(admin_client, path, button=None).headers["HX-Redirect"]
    [message] = admin_client.get(onward).context["messages"]
    assert str(message) == "The viewer is erased: 12 events, 0 impressions."
    assert not Viewer.objects.filter(pk=ADA).exists()
    assert not recommend(RecommendRequest(viewer_id=ADA, top_k=5)).is_known_viewer


def test_a_viewer_without_a_history_has_a_page(admin_client):
    Viewer.objects.create(pk=900)
    page = open_record(admin_client, "viewer", 900)
    assert "No history yet" in page.content.decode()
    assert page.context["source"] == "popular films"


def test_a_movies_page_shows_audience_neighbours_and_placement(admin_client):
    rule = Rule.objects.create(name="Space week", action="boost", movie_id=STAR_WARS)
    recommend(RecommendRequest(viewer_id=ADA, top_k=20))
    publish_movies([NEMO], published=False)
    page = open_record(admin_client, "movie", STAR_WARS)
    context, content = page.context, page.content.decode()
    assert (context["watched_by"], context["rated"], context["span"]) == ("1 viewer", 1, "2024 to 2024")
    notes = {card.movie_id: card.notes for card in context["neighbours"]}
    assert {EMPIRE, JEDI} <= set(notes)
    assert notes[EMPIRE][0].endswith("% alike")
    position = context["placement"].chart_positions["popular"]
    assert position is not None
    assert f"Popular: place {position}" in content
    assert (context["placement"].is_available, context["exposure"][:2]) == (True, (1, 0))
    assert "It is on the lists of 0 of 1 sampled viewers" in content
    assert (rule.name in content, "Certificate PG" in content, "posters.example/260.jpg" in content) == (True,) * 3
    hidden = open_record(admin_client, "movie", NEMO)
    assert not hidden.context["placement"].is_available
    assert "It cannot be watched now." in hidden.content.decode()


def test_pages_say_so_while_serving_is_overloaded(admin_client, monkeypatch):
    rule = Rule.objects.create(name="Space week", action="boost", movie_id=STAR_WARS)
    preview = reverse("admin:catalog_rule_preview", args=[rule.pk])
    monkeypatch.setattr(concurrency.COMPUTING, "slots", 0)
    monkeypatch.setattr(concurrency.COMPUTING, "max_queued", 0)
    for path in (
        admin_url("viewer", "change", ADA),
        admin_url("movie", "change", STAR_WARS),
        f"{preview}?viewer={BEN}&shelf=recommend",
        f"{preview}?viewer={BEN}&shelf=home",
    ):
        answer = admin_client.get(path)
        assert answer.status_code == 200
        assert "The server is busy computing other lists. Load the page again." in answer.content.decode()


def counters(monkeypatch):
    """Flush this process's counters to Redis and return the sums of the last hour there."""
    monkeypatch.setattr(metrics, "FLUSH_SECONDS", 0)
    metrics.flush()
    return metrics.merge_buckets(metrics.read_buckets(60, 60))


def test_pages_of_staff_are_not_in_the_metrics(admin_client, client, settings, monkeypatch):
    rule = Rule.objects.create(name="Space week", action="boost", movie_id=STAR_WARS)
    preview = reverse("admin:catalog_rule_preview", args=[rule.pk])
    before = counters(monkeypatch)
    for _ in range(2):
        admin_client.get(admin_url("viewer", "change", ADA))
        admin_client.get(admin_url("movie", "change", STAR_WARS))
    for shelf in ("recommend", "popular", "home", "similar"):
        assert admin_client.get(preview, {"viewer": BEN, "shelf": shelf, "film": STAR_WARS}).context["columns"]
    assert counters(monkeypatch) == before

    settings.API_OPEN = True
    client.get(f"/recommend?user_id={ADA}")
    counted = counters(monkeypatch) - before
    assert (counted["answers"], counted["lists"]) == (1, 1)


def test_watchers_by_hand():
    watchers = movie_watchers(AMELIE)
    assert (watchers.viewer_ids.tolist(), watchers.years, watchers.sample_share) == ([ADA], {2024: 2}, 1.0)
    assert watchers.ratings.tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]  # two stars


def test_many_movies_get_a_window_that_holds_at_once(admin_client):
    answer = recommend(RecommendRequest(viewer_id=ADA, top_k=20))
    movie_ids = [row.movie_id for row in answer.recommendations]
    changelist = reverse("admin:catalog_movie_changelist")
    page = run_action(admin_client, changelist, "schedule", movie_ids[:3])
    assert "Choose when 3 films are shown" in page.content.decode()
    assert not Movie.objects.exclude(available_from=None).exists()

    soon = timezone.now() + timedelta(days=1)
    window = {"available_from_0": f"{soon:%Y-%m-%d}", "available_from_1": "20:00"}
    wrong = window | {"available_until_0": f"{soon:%Y-%m-%d}", "available_until_1": "19:00"}
    again = admin_client.post(changelist, form_data(find_form(page), wrong, button=None))
    assert "must end after it begins" in again.content.decode()
    right = {"available_until_0": "", "available_until_1": ""}
    assert admin_client.post(changelist, form_data(find_form(again), right, button=None)).status_code == 302
    assert Movie.objects.exclude(available_from=None).count() == 3
    answer = recommend(RecommendRequest(viewer_id=ADA, top_k=17))
    assert [row.movie_id for row in answer.recommendations] == movie_ids[3:]
    assert LogEntry.objects.filter(change_message__startswith="Window set").count() == 3


def test_a_window_for_more_than_a_thousand_movies(admin_client):
    Movie.objects.bulk_create(Movie(title=f"Reel {number}", year=2099) for number in range(1_100))
    path = f"{admin_url('movie')}?year_from=2099&year_to=2099"
    selection = {
        "action": "schedule",
        "select_across": "1",
        "_selected_action": [Movie.objects.filter(year=2099).earliest("pk").pk],
    }
    page = submit(admin_client, path, selection, button="index", form_id="changelist-form")
    assert "Choose when 1,100 films are shown" in page.content.decode()

    window = {"available_from_0": "2100-01-01", "available_from_1": "20:00"}
    assert admin_client.post(path, form_data(find_form(page), window, button=None)).status_code == 302
    assert Movie.objects.exclude(available_from=None).count() == 1_100


def test_a_movie_with_hundreds_of_credits_is_saved(admin_client):
    people = Person.objects.bulk_create(Person(name=f"Extra {number}") for number in range(260))
    role = Credit.Role.ACTOR
    Credit.objects.bulk_create(Credit(movie_id=NEMO, person=person, role=role, order=9) for person in people)
    path = admin_url("movie", "change", NEMO)
    assert submit(admin_client, path, {"title": "Nemo"}).status_code == 302
    assert Movie.objects.get(pk=NEMO).title == "Nemo"


def test_the_history_of_a_movie_has_old_and_new_values(admin_client):
    path = admin_url("movie", "change", TOY_STORY)
    submit(admin_client, path, {"title": "Toys", "certificate": "PG"})
    run_action(admin_client, admin_url("movie"), "unpublish", [TOY_STORY])
    entries = LogEntry.objects.filter(object_id=str(TOY_STORY)).order_by("pk")
    assert list(entries.values_list("change_message", flat=True)) == [
        "Title: Toy Story → Toys; Certificate: G → PG",
        "Published: True → False",
    ]
