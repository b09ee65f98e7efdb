"""The demo gives way to a site's own data, whichever door that comes through; its models never speak of other films."""

import io
import json

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from catalog import selectors, services
from catalog.dataset import GENRES, MOVIES, Dataset, to_frame
from catalog.demo.simulation import simulate_demo
from catalog.limits import DEMO_ID_BASE
from catalog.loading import load_dataset, remove_legacy_demo
from catalog.models import (
    Credit,
    Genre,
    GenreAlias,
    GenreTranslation,
    Movie,
    MovieAvailability,
    MovieTranslation,
    Revision,
    Rule,
    Viewer,
    WatchEvent,
)
from catalog.services import NewEvent, record_events
from recommender import cache, registry
from recommender.models import ModelVersion
from tests.support.api import ApiClient
from tests.support.cast import ADA, STAR_WARS
from tests.support.launcher import write_movielens_genres
from tests.support.sequences import restart_movie_ids
from tests.support.tiny_model import clear_caches

FILM = DEMO_ID_BASE + 1
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def demo(transactional_db, settings):
    """The demo with a model of it that is active, a rule, and somebody who tries it."""
    settings.API_OPEN = True
    clear_caches()
    call_command("load_demo", viewers=5, stdout=io.StringIO())
    version = {"status": ModelVersion.Status.ACTIVE, "data_set": selectors.data_set()}
    ModelVersion.objects.create(name="of-the-demo", preset="brief", **version)
    cache.publish_model("of-the-demo")
    Rule.objects.create(name="Look at this", action="pin", by="movie", movie_id=FILM, places=1)
    MovieTranslation.objects.create(movie_id=FILM, language="de", title="Ausprobiert")
    MovieAvailability.objects.create(movie_id=FILM, country="DE")
    for genre in Genre.objects.all():
        GenreAlias.objects.create(genre=genre, name=f"Also {genre}")
        GenreTranslation.objects.create(genre=genre, language="de", name=f"{genre} auf Deutsch")
    yield
    clear_caches()


def film_with_an_id(site, admin_client, tmp_path):
    site.post("/movies", {"movie_id": "1", "title": "My own film"}, expect=201)


def post_film_that_the_demo_has(site, admin_client, tmp_path):
    Movie.objects.filter(pk=FILM).update(imdb_id="tt0000001")
    site.post("/movies", {"title": "My own film", "imdb_id": "tt0000001"}, expect=201)


def import_films(site, admin_client, tmp_path):
    (tmp_path / "films.jsonl").write_text(json.dumps({"movie_id": 1, "title": "My own film"}))
    call_command("import_rows", "movies", tmp_path / "films.jsonl", stdout=io.StringIO())


def import_viewers(site, admin_client, tmp_path):
    (tmp_path / "viewers.csv").write_text("user_id,name\n1,Ada\n")
    call_command("import_rows", "viewers", tmp_path / "viewers.csv", stdout=io.StringIO())


def add_in_the_admin(site, admin_client, tmp_path):
    page = admin_client.get(reverse("admin:catalog_movie_add"))
    form = {"title": "My own film", "published": "on"}
    for formset in page.context["inline_admin_formsets"]:
        prefix = formset.formset.prefix
        form |= {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}
    assert admin_client.post(reverse("admin:catalog_movie_add"), form).status_code == 302


def import_movielens(site, admin_client, tmp_path):
    call_command("import_movielens", write_movielens_genres(tmp_path / "ml", viewers=5), stdout=io.StringIO())


def remove_demo(site, admin_client, tmp_path):
    out = io.StringIO()
    call_command("remove_demo", stdout=out)
    assert "5 simulated viewers" in out.getvalue()
    call_command("remove_demo", stdout=out)
    assert "There is no demo" in out.getvalue()


DOORS = (
    film_with_an_id,
    import_viewers,
    add_in_the_admin,
    import_movielens,
    post_film_that_the_demo_has,
    import_films,
    remove_demo,
)


@pytest.mark.parametrize(
    "door",
    [*DOORS[:4], *(pytest.param(door, marks=pytest.mark.slow) for door in DOORS[4:])],
    ids=lambda door: door.__name__,
)
def test_the_demo_ends_with_the_first_real_row(demo, site, admin_client, tmp_path, door):
    site.post("/events", {"user_id": 1, "movie_id": str(FILM), "kind": "watch"})
    before = selectors.data_set()

    door(site, admin_client, tmp_path)

    assert not Movie.objects.filter(is_demo=True).exists()
    assert not Viewer.objects.filter(is_simulated=True).exists()
    assert not Rule.objects.exists()
    assert not WatchEvent.objects.filter(movie_id__gt=DEMO_ID_BASE).exists()
    assert selectors.data_set() > before
    of_demo = ModelVersion.objects.get(name="of-the-demo")
    assert (of_demo.status, registry.active_name()) == (ModelVersion.Status.REFUSED, None)
    assert "data that it was trained on was replaced" in of_demo.reason
    assert cache.read_list_and_versions(1)[0].model is None
    with pytest.raises(registry.ActivationRefused, match="was replaced"):
        registry.activate("of-the-demo", "trying")
    own = Movie.objects.filter(title="My own film").first()
    assert own is None or (own.pk < DEMO_ID_BASE and not Credit.objects.filter(movie=own).exists())
    assert ApiClient().get("/health/ready")["parts"]["model"].startswith("no model ")
    assert ApiClient().get("/popular")["source"] == "popular"


def test_trying_the_demo_does_not_end_it(demo, site, tmp_path):
    site.post("/events", {"user_id": 1, "movie_id": str(FILM), "kind": "watch"})
    site.patch(f"/movies/{FILM}", {"overview": "Well worth it."})
    site.post("/movies", {"year": 2000}, expect=400)
    out = io.StringIO()
    (tmp_path / "ratings.csv").write_text("Date,Name,Year,Letterboxd URI,Rating\n2024-01-01,No such film,1999,x,4\n")
    call_command("import_history", 7, tmp_path / "ratings.csv", stdout=out)

    assert "is removed with it" in out.getvalue()
    assert registry.active_name() == "of-the-demo"
    assert selectors.has_demo()


@pytest.fixture
def restarted_ids(transactional_db):
    restart_movie_ids()


def test_ids_after_the_demo_start_at_1(restarted_ids, demo, site):
    assert int(site.post("/movies", {"title": "My own film"}, expect=201)["movie_id"]) < 1_000_000


def test_a_model_of_other_data_does_not_serve(model, site):
    """Even where a process still has it and Redis still points at it."""
    assert site.get(f"/recommend?user_id={ADA}&top_k=3")["source"] in ("model", "cache")
    services.bump_epoch()
    Revision.objects.update(data_set=7)
    services.bump_catalogue()

    answer = site.get(f"/recommend?user_id={ADA}&top_k=3")

    assert (answer["source"], answer["model_version"], answer["degraded"]) == ("popular", None, True)
    assert site.post("/similar", {"movie_id": str(STAR_WARS)})["source"] == "content"


def films(*titles, first=1):
    rows = [{"id": first + n, "title": title, "year": 1980 + n, "added_at": 0} for n, title in enumerate(titles)]
    movies = to_frame([{name: row.get(name) for name in MOVIES} for row in rows], MOVIES)
    return Dataset(name="tiny", movies=movies, genres=to_frame([], GENRES), events=iter(()), expected_events=0)


def test_an_import_whose_ids_mean_other_films_ends_the_models(transactional_db):
    load_dataset(films("Alien", "Brazil", "Casablanca"))
    before = selectors.data_set()
    load_dataset(films("Alien", "Brazil", "Casablanca", "Duel"))
    assert selectors.data_set() == before, "the same films and a new one"
    ModelVersion.objects.create(name="former", preset="brief", status=ModelVersion.Status.ACTIVE, data_set=before)

    Movie.objects.update(year=1950)
    load_dataset(films("Zelig", "Yojimbo", "Xanadu"))

    assert selectors.data_set() > before
    assert registry.active_name() is None


def test_a_catalogue_that_was_emptied_begins_anew(transactional_db):
    load_dataset(films("Alien", "Brazil"))
    before = selectors.data_set()
    services.delete_movies([1])
    assert selectors.data_set() == before
    services.delete_movies([2])
    assert selectors.data_set() > before


def test_the_demo_of_a_former_version_goes_and_a_sites_own_film_among_it_stays(transactional_db):
    former = simulate_demo(viewers=5)
    for name in ("movies", "viewers"):
        frame = getattr(former, name)
        setattr(former, name, frame.with_columns(id=frame["id"] - DEMO_ID_BASE))
    for name in ("genres", "credits"):
        frame = getattr(former, name)
        setattr(former, name, frame.with_columns(movie=frame["movie"] - DEMO_ID_BASE))
    former.events = [
        frame.with_columns(movie=frame["movie"] - DEMO_ID_BASE, viewer=frame["viewer"] - DEMO_ID_BASE)
        for frame in former.events
    ]
    load_dataset(former)
    Movie.objects.filter(pk=1).update(title="The site's own")
    Movie.objects.create(pk=5000, title="Another")
    own = Viewer.objects.exclude(events__movie=1).values_list("pk", flat=True)[0]  # the site's viewer, not the demo's
    record_events([NewEvent(own, 5000, WatchEvent.Kind.WATCH, timezone.now())])

    removed = remove_legacy_demo()

    assert removed is not None
    assert set(Movie.objects.values_list("title", flat=True)) == {"The site's own", "Another"}
    assert selectors.history(own).movie_ids.tolist() == [5000]
    assert not Viewer.objects.get(pk=own).is_simulated
    assert not selectors.has_demo()
    assert remove_legacy_demo() is None
