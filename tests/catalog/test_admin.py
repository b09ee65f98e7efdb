"""The admin: edits go through the services, lists stay within a few queries, searches stay on their indexes."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.loading import load_dataset
from catalog.models import Credit, Genre, Movie, Person, Rule, Tag, Viewer, WatchEvent
from catalog.movielens import read_movielens
from catalog.selectors import catalogue_and_epoch, search_movies
from catalog.services import invalidate_viewers
from tests.support.cast import ADA, AMELIE, BEN, GODFATHER, MATRIX, NEMO, PULP_FICTION, TOY_STORY
from tests.support.forms import admin_url, find_form, form_data, run_action, submit
from tests.support.movielens import movielens_path

MAX_QUERIES = 17  # of a film, with its people, translations and countries


@pytest.mark.usefixtures("cast")
class TestMovies:
    def test_an_edit_is_saved_and_raises_the_catalogue_version(self, editor: Client) -> None:
        path, before = admin_url("movie", "change", PULP_FICTION), catalogue_and_epoch()[0]
        assert submit(editor, path, {"title": "Pulp", "certificate": "NC-17"}).status_code == 302
        movie = Movie.objects.get(id=PULP_FICTION)
        assert (movie.title, movie.certificate, movie.genres.count(), movie.credits.count()) == ("Pulp", "NC-17", 4, 4)
        assert catalogue_and_epoch()[0] > before

    def test_an_untouched_page_of_a_movie_can_be_saved(self, editor: Client) -> None:
        """Also where nobody touched the empty row of *Add people*."""
        path = admin_url("movie", "change", PULP_FICTION)
        before = list(Credit.objects.values_list("movie_id", "person_id", "role", "order"))
        for button in ("_save", "_continue", "_addanother"):
            assert submit(editor, path, button=button).status_code == 302
        assert list(Credit.objects.values_list("movie_id", "person_id", "role", "order")) == before
        made = submit(editor, admin_url("movie", "add"), {"title": "Perfect Days"})
        assert made.status_code == 302
        assert not Movie.objects.get(title="Perfect Days").credits.exists()

    def test_a_person_needs_a_role(self, editor: Client) -> None:
        keanu, path = Person.objects.get(name="Keanu Reeves").pk, admin_url("movie", "change", PULP_FICTION)
        answer = submit(editor, path, {"credits-2-0-person": keanu})
        assert answer.status_code == 200
        assert answer.context["inline_admin_formsets"][1].formset.errors == [{"role": ["This field is required."]}]

    def test_the_page_shows_the_minimum_age_of_a_movie(self, editor: Client) -> None:
        path = admin_url("movie", "change", PULP_FICTION)
        assert b"17 years" in editor.get(path).content
        Movie.objects.filter(id=PULP_FICTION).update(certificate="unheard of")
        assert b"18 years, as no age is known" in editor.get(path).content

    def test_people_are_added_and_removed(self, editor: Client) -> None:
        path, before = admin_url("movie", "change", PULP_FICTION), catalogue_and_epoch()[0]
        keanu = Person.objects.get(name="Keanu Reeves")
        new = {"credits-2-0-person": keanu.pk, "credits-2-0-role": Credit.Role.ACTOR.value, "credits-2-0-order": 9}
        assert submit(editor, path, {"credits-3-DELETE": True, **new}).status_code == 302
        people = Movie.objects.get(id=PULP_FICTION).credits.values_list("person__name", flat=True)
        assert list(people) == ["Quentin Tarantino", "John Travolta", "Samuel L. Jackson", "Keanu Reeves"]
        assert catalogue_and_epoch()[0] > before

    @pytest.mark.parametrize(("action", "published"), [("unpublish", False), ("publish", True)])
    def test_bulk_publishing_raises_the_catalogue_version(self, editor: Client, action: str, published: bool) -> None:
        Movie.objects.update(published=not published)
        before = catalogue_and_epoch()[0]
        expected = "2 films are now shown." if published else "2 films are now hidden."
        assert (
            expected in run_action(editor, admin_url("movie"), action, [TOY_STORY, NEMO], follow=True).content.decode()
        )
        assert set(Movie.objects.filter(published=published).values_list("id", flat=True)) == {TOY_STORY, NEMO}
        assert catalogue_and_epoch()[0] == before + 1

    def test_deleting_a_movie_deletes_its_events_and_invalidates_lists(self, editor: Client) -> None:
        before = Viewer.objects.get(id=BEN).version
        path = admin_url("movie", "delete", NEMO)
        assert b"everything that viewers did" in editor.get(path).content
        assert submit(editor, path, button=None).status_code == 302
        assert not Movie.objects.filter(id=NEMO).exists()
        assert not WatchEvent.objects.filter(movie_id=NEMO).exists()
        assert Viewer.objects.get(id=BEN).version == before + 1

    @pytest.mark.parametrize(
        ("text", "expected_ids"),
        [
            ("matrix", {MATRIX}),
            ("AMÉLIE", {AMELIE}),
            ("tarantino", {PULP_FICTION}),
            ("pacino godfather", {GODFATHER, 1221}),
            ("hanks matrix", set()),
            (str(MATRIX), {MATRIX}),
            ("tt0133093", {MATRIX}),
            ("0133093", {MATRIX}),
            ("https://www.imdb.com/title/tt0133093/?ref=1", {MATRIX}),
            ("https://www.themoviedb.org/movie/603-the-matrix", {MATRIX}),
            ("tmdb:603 matrix", {MATRIX}),
            ("tmdb:603 amélie", set()),
            ("99999999999", set()),
        ],
    )
    def test_search_by_title_people_and_ids(self, editor: Client, text: str, expected_ids: set[int]) -> None:
        Movie.objects.filter(pk=MATRIX).update(imdb_id="tt0133093", tmdb_id=603)
        page = editor.get(admin_url("movie"), {"q": text})
        assert {movie.id for movie in page.context["cl"].result_list} == expected_ids

    def test_filters(self, editor: Client) -> None:
        crime = Genre.objects.get(name="Crime").pk
        query = {"genres__id__exact": crime, "year_from": 1990, "year_to": 1999, "published__exact": 1}
        page = editor.get(admin_url("movie"), query)
        assert {movie.id for movie in page.context["cl"].result_list} == {50, 296, 318}


@pytest.mark.usefixtures("cast")
class TestPeopleAndGenres:
    @pytest.mark.parametrize("model", ["genre", "person", "tag"])
    def test_renaming_and_deleting_raise_the_catalogue_version(self, editor: Client, model: str) -> None:
        path = admin_url(model, "add")
        before = catalogue_and_epoch()[0]
        assert submit(editor, path, {"name": "A new name"}).status_code == 302
        record = {"genre": Genre, "person": Person, "tag": Tag}[model]._default_manager.get(name="A new name")
        assert submit(editor, admin_url(model, "change", record.pk), {"name": "Another"}).status_code == 302
        assert submit(editor, admin_url(model, "delete", record.pk), button=None).status_code == 302
        assert catalogue_and_epoch()[0] == before + 3

    def test_deleting_a_genre_shows_its_movie_count_and_rules_first(self, editor: Client) -> None:
        crime = Genre.objects.get(name="Crime")
        Rule.objects.create(name="Noir week", action="boost", by="genre", genre=crime)
        expected = editor.get(admin_url("genre", "delete", crime.pk)).context["deleted_objects"]
        assert expected == [f"Crime, of {crime.movies.count()} films", "rule: Noir week"]
        several = run_action(editor, admin_url("genre"), "delete_selected", [crime.pk])
        assert several.context["deletable_objects"] == [expected]
        looker = User.objects.create_user("looks", is_staff=True)
        looker.user_permissions.add(*Permission.objects.filter(codename__in=("view_genre", "delete_rule")))
        editor.force_login(looker)
        assert editor.get(admin_url("genre", "delete", crime.pk)).status_code == 403

    def test_a_person_shows_the_movies(self, editor: Client) -> None:
        person = Person.objects.get(name="Al Pacino")
        content = editor.get(admin_url("person", "change", person.pk)).content.decode()
        assert "The Godfather: Part II (1974), actor" in content

    def test_autocomplete_finds_people(self, editor: Client) -> None:
        query = {"app_label": "catalog", "model_name": "credit", "field_name": "person", "term": "pacin"}
        results = editor.get(reverse("admin:autocomplete"), query).json()["results"]
        assert [person["text"] for person in results] == ["Al Pacino"]


@pytest.mark.usefixtures("cast")
class TestViewers:
    def test_a_history_is_shown_newest_first(self, editor: Client) -> None:
        content = editor.get(admin_url("viewer", "change", ADA)).content.decode()
        assert content.index("Amélie (2001)") < content.index("Star Wars: Episode IV")
        assert "4.5 stars" in content
        assert "100% watched" in content

    def test_simulated_viewers_are_labelled(self, editor: Client) -> None:
        Viewer.objects.filter(id=BEN).update(is_simulated=True, name="Simulated 2")
        assert "Simulated 2 (simulated)" in editor.get(admin_url("viewer", "change", BEN)).content.decode()
        rows = editor.get(admin_url("viewer"), {"is_simulated__exact": 1}).context["cl"].result_list
        assert [viewer.id for viewer in rows] == [BEN]

    def test_search_by_id_or_name(self, editor: Client) -> None:
        Viewer.objects.filter(id=BEN).update(name="Benjamin")
        for text, expected_ids in ((str(ADA), [ADA]), ("jami", [BEN]), ("nobody", []), ("9" * 30, [])):
            rows = editor.get(admin_url("viewer"), {"q": text}).context["cl"].result_list
            assert [viewer.id for viewer in rows] == expected_ids

    def test_saving_a_viewer_keeps_what_events_wrote_meanwhile(self, editor: Client) -> None:
        path = admin_url("viewer", "change", BEN)
        page = find_form(editor.get(path))
        invalidate_viewers([BEN])
        assert editor.post(path, form_data(page, {"name": "Benjamin"})).status_code == 302
        ben = Viewer.objects.get(id=BEN)
        assert (ben.name, ben.version, ben.publish_pending) == ("Benjamin", 2, True)

    def test_another_age_limit_invalidates_the_lists(self, editor: Client) -> None:
        path = admin_url("viewer", "change", BEN)
        assert submit(editor, path, {"age_limit": 22}).status_code == 200
        assert submit(editor, path, {"age_limit": 12}).status_code == 302
        ben = Viewer.objects.get(id=BEN)
        assert (ben.age_limit, ben.version) == (12, 2)

    def test_viewers_are_neither_added_nor_deleted(self, editor: Client) -> None:
        assert editor.get(admin_url("viewer", "add")).status_code == 403
        assert editor.get(admin_url("viewer", "delete", ADA)).status_code == 403


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize(
    "path",
    [
        "/admin/catalog/movie/",
        f"/admin/catalog/movie/{PULP_FICTION}/change/",
        "/admin/catalog/person/",
        "/admin/catalog/genre/",
        "/admin/catalog/tag/",
        "/admin/catalog/viewer/",
        f"/admin/catalog/viewer/{ADA}/change/",
    ],
)
def test_the_queries_of_a_page_do_not_grow_with_the_rows(editor: Client, path: str) -> None:
    editor.get(path)
    with CaptureQueriesContext(
        connection,
    ) as few:
        assert editor.get(path).status_code == 200
    genre, movie = Genre.objects.get(name="Crime"), Movie.objects.get(id=PULP_FICTION)
    for number in range(30):
        extra = Movie.objects.create(title=f"Film {number}")
        extra.genres.add(genre)
        Credit.objects.create(movie=movie, person=Person.objects.create(name=f"Person {number}"), role=2)
        Viewer.objects.create(id=5000 + number)
        WatchEvent.objects.create(viewer_id=ADA, movie=extra, kind=1, occurred_at="2024-01-01T00:00Z")
    with CaptureQueriesContext(connection) as many:
        editor.get(path)
    assert len(many) <= len(few)
    assert len(many) <= MAX_QUERIES


class TestWithTheCatalogueOfMl25m:
    """62,423 films: the planner takes the indexes by itself."""

    @pytest.mark.slow
    def test_searches_stay_on_the_trigram_indexes(self, editor: Client) -> None:
        load_dataset(read_movielens(movielens_path("ml-25m-catalog.zip"), movielens_path("movie_people.csv.gz")))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        plan = search_movies(Movie.objects.all(), "godfather").explain()
        assert "movie_title_trgm" in plan
        assert "person_name_trgm" in plan
        assert "Seq Scan on catalog_movie" not in plan
        with CaptureQueriesContext(connection) as queries:
            page = editor.get(admin_url("movie"), {"q": "al pacino"})
        assert len(queries) <= MAX_QUERIES
        assert len(page.context["cl"].result_list) > 20
