"""Films by country: where they are available, on every list and call, and where they are from."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from catalog.models import Movie, MovieAvailability, Viewer
from catalog.services import save_record, save_viewer
from recommender import maintenance
from recommender.jobs import leases
from recommender.models import Job
from recommender.serving.current_versions import time as clock
from recommender.training import batch
from tests.support.api import ApiClient, recommended_ids
from tests.support.cast import ADA, BEN, EVE, GODFATHER, MATRIX, NEMO, SHAWSHANK, STAR_WARS
from tests.support.exchange import export_lines, import_file
from tests.support.forms import admin_url, submit

DAY = timedelta(days=1)
# For Ada unseen, of which lists are long enough that both would be in them.
IN_GERMANY, IN_AUSTRIA, EVERYWHERE = NEMO, GODFATHER, SHAWSHANK
LIMITED = {str(IN_GERMANY), str(IN_AUSTRIA)}


@pytest.fixture
def limited(model):
    """Two films that are available in one country each; every other one is in all."""
    save_record(MovieAvailability(movie_id=IN_GERMANY, country="DE"))
    save_record(MovieAvailability(movie_id=IN_AUSTRIA, country="AT"))


def live_in(viewer, country):
    row = Viewer.objects.get(pk=viewer)
    row.country = country
    save_viewer(row)


def lists(api, viewer=ADA, **more):
    """The films of every call that lists some, by the name of the call."""
    query = "".join(f"&{name}={value}" for name, value in more.items())
    home = api.get(f"/home?user_id={viewer}&rows=20&row_length=50{query}")
    similar = api.post("/similar", {"movie_id": str(STAR_WARS), "user_id": viewer, "top_k": 200, **more})
    batch = api.post("/batch/recommend", {"user_histories": {str(viewer): []}, "top_k": 200, **more})
    movies = api.get(f"/movies?page_size=1000&user_id={viewer}{query}")
    return {
        "recommend": recommended_ids(api.post("/recommend", {"user_id": viewer, "top_k": 200, **more})),
        "history": recommended_ids(api.post("/recommend", {"user_id": viewer, "history": ["1"], "top_k": 200, **more})),
        "filtered": recommended_ids(api.post("/recommend/filtered", {"user_id": viewer, "final_k": 200, **more})),
        "popular": recommended_ids(api.get(f"/popular?user_id={viewer}&top_k=200{query}")),
        "latest": recommended_ids(api.get(f"/latest?user_id={viewer}&top_k=200{query}")),
        "home": [film["movie_id"] for row in home["rows"] for film in row["films"]],
        "similar": [film["movie_id"] for film in similar["similar"]],
        "batch": [film["movie_id"] for film in batch["results"][str(viewer)]],
        "movies": [film["movie_id"] for film in movies["results"]],
    }


def shown(api, **more):
    """Which of the limited films each call lists."""
    return {call: LIMITED & set(films) for call, films in lists(api, **more).items()}


def test_a_film_with_countries_is_available_in_those_alone(api, limited):
    everywhere = lists(api)
    for call, films in everywhere.items():
        assert not LIMITED & set(films), f"{call}: nobody said where"
    calls = [call for call in everywhere if call != "home"]  # a page shows what stands out
    for country, film in (("DE", IN_GERMANY), ("at", IN_AUSTRIA)):
        listed = shown(api, country=country)
        assert {call: listed[call] for call in calls} == {call: {str(film)} for call in calls}, country
        assert listed["home"] <= {str(film)}
    assert set(map(str, [EVERYWHERE])) <= set(lists(api, country="FR")["recommend"])
    assert not any(shown(api, country="FR").values()), "no film has a window there"


def test_the_viewers_own_country_counts_where_the_call_names_none(api, limited, settings):
    live_in(ADA, "DE")
    assert all(films == {str(IN_GERMANY)} for call, films in shown(api).items() if call != "home")
    assert shown(api, country="AT")["recommend"] == {str(IN_AUSTRIA)}, "the call knows where they are now"
    live_in(ADA, "AT")
    assert shown(api)["recommend"] == {str(IN_AUSTRIA)}
    live_in(ADA, "")
    settings.COUNTRY = "DE"
    assert all(films == {str(IN_GERMANY)} for call, films in shown(api).items() if call != "home"), "the site's own"


def test_a_stored_list_costs_no_query_and_follows_the_country(api, limited, django_assert_num_queries):
    live_in(ADA, "DE")
    first = api.get(f"/recommend?user_id={ADA}&top_k=10")
    with django_assert_num_queries(0):
        stored = api.get(f"/recommend?user_id={ADA}&top_k=10")
        abroad = api.get(f"/recommend?user_id={ADA}&top_k=10&country=AT")
    assert (stored["source"], recommended_ids(stored)) == ("cache", recommended_ids(first))
    assert abroad["source"] == "cache"
    assert str(IN_GERMANY) not in recommended_ids(abroad)
    assert (stored["removed"]["not_available"], abroad["removed"]["not_available"]) == (1, 1)


def test_lists_of_the_batch_hold_enough_films_for_the_country(api, limited, settings):
    """Most films are closed in Germany: its viewers' lists are full of those that are not."""
    settings.LIST_LENGTH = 10
    live_in(BEN, "DE")
    ids = Movie.objects.exclude(pk=IN_GERMANY).order_by("pk").values_list("pk", flat=True)
    first, *others = ids[30:]
    MovieAvailability.objects.bulk_create(MovieAvailability(movie_id=pk, country="US") for pk in others)
    save_record(MovieAvailability(movie_id=first, country="US"))
    maintenance.repair_versions()  # as beat does every few seconds
    batch.run(leases.claim(Job.objects.create(kind=Job.Kind.BATCH).pk))
    for country in ("", "&country=DE"):
        body = api.get(f"/recommend?user_id={BEN}&top_k=10{country}")
        assert (body["source"], len(body["recommendations"])) == ("cache", 10)
        assert set(recommended_ids(body)) <= {*map(str, ids[:30]), str(IN_GERMANY)}


def test_windows_of_a_country_begin_and_end_by_the_clock(api, model, monkeypatch):
    now = timezone.now()
    save_record(MovieAvailability(movie_id=NEMO, country="DE", available_from=now + DAY, available_until=now + 3 * DAY))
    save_record(MovieAvailability(movie_id=NEMO, country="AT", available_from=now - DAY))
    real = clock.time
    for days, countries in ((0, {"AT"}), (2, {"AT", "DE"}), (4, {"AT"})):
        monkeypatch.setattr(clock, "time", lambda days=days: real() + days * DAY.total_seconds())
        for country in ("DE", "AT", "CH"):
            body = api.get(f"/recommend?user_id={ADA}&top_k=50&country={country}")
            assert (str(NEMO) in recommended_ids(body)) == (country in countries), (days, country)
    monkeypatch.undo()
    Movie.objects.filter(pk=NEMO).update(available_until=now - DAY)
    save_record(Movie.objects.get(pk=NEMO))
    assert str(NEMO) not in recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=50&country=AT")), "its own window"


def test_an_empty_list_says_where_it_looked(api, limited):
    body = {"user_id": EVE, "history": ["1"], "directors": ["Andrew Stanton"], "min_year": 2003, "max_year": 2003}
    director = Movie.objects.get(pk=NEMO).credits.get(role=1).person.name
    body["directors"] = [director]
    assert recommended_ids(api.post("/recommend/filtered", body | {"country": "DE"})) == [str(NEMO)]
    assert "none is available now in FR" in api.post("/recommend/filtered", body | {"country": "FR"})["reason"]
    assert "now where no country is named" in api.post("/recommend/filtered", body)["reason"]


def test_a_group_watches_in_the_country_that_all_have(api, limited):
    for countries, listed in ((("DE", "DE"), True), (("DE", ""), True), (("DE", "AT"), False), (("", ""), False)):
        for viewer, country in zip((ADA, EVE - 1), countries, strict=True):
            live_in(viewer, country)
        films = recommended_ids(api.post("/recommend", {"user_ids": [ADA, EVE - 1], "top_k": 100}))
        assert (str(IN_GERMANY) in films) == listed, countries
    films = recommended_ids(api.post("/recommend", {"user_ids": [ADA, EVE - 1], "top_k": 100, "country": "DE"}))
    assert str(IN_GERMANY) in films


def test_a_film_page_and_counts_follow_the_country(api, limited):
    api.get(f"/movies/{NEMO}", expect=404)
    assert api.get(f"/movies/{NEMO}?country=DE")["availability"] == [{"country": "DE", "from": None, "until": None}]
    films = {
        country: {g["name"]: g["films"] for g in api.get(f"/genres{country}")["results"]}
        for country in ("", "?country=DE")
    }
    assert films["?country=DE"]["Animation"] == films[""]["Animation"] + 1
    director = Movie.objects.get(pk=NEMO).credits.get(role=1).person.name
    counts = [api.get(f"/people?search={director}{more}")["results"][0]["films"] for more in ("", "&country=DE")]
    assert counts[1] == counts[0] + 1


def test_countries_are_checked(api, site):
    for path in ("/popular?country=XX", "/movies?country=UK", "/home?country=Germany"):
        assert "no country of ISO 3166" in api.get(path, expect=400)["errors"][0]["detail"]
    assert "did you mean GB?" in api.get("/movies?country=uk", expect=400)["errors"][0]["detail"]
    wrong = [
        {"availability": [{"country": "XX"}]},
        {"availability": [{"country": "DE"}, {"country": "de"}]},
        {"availability": [{"country": "DE", "from": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}]},
        {"availability": [{"country": "DE", "til": None}]},
        {"availability": {"country": "DE"}},
        {"countries": ["Germany"]},
    ]
    for values in wrong:
        [error] = site.patch("/movies/1", values, expect=400)["errors"]
        assert error["pointer"].startswith(f"#/{next(iter(values))}"), error


@pytest.mark.usefixtures("model")
def test_availability_and_origin_are_written_by_calls(site):
    windows = [
        {"country": "AT", "from": "2026-01-01T00:00:00+00:00", "until": None},
        {"country": "DE", "from": None, "until": None},
    ]
    after = site.patch(f"/movies/{NEMO}?", {"availability": windows[::-1], "countries": ["us", "SU"]})
    assert (after["availability"], after["countries"]) == (windows, ["US", "SU"])
    assert site.patch(f"/movies/{NEMO}", {"runtime": 99})["availability"] == windows, "what is left out stays"
    for path in (f"/popular?countries=us&country=DE&user_id={ADA}", "/movies?countries=US&country=DE"):
        body = site.get(path)
        films = body.get("recommendations") or body["results"]
        assert [film["movie_id"] for film in films] == [str(NEMO)]
    assert site.get("/popular?countries=ZZ")["unknown_names"] == {"countries": ["ZZ"]}
    assert site.patch(f"/movies/{NEMO}", {"availability": []})["availability"] == []
    assert site.get(f"/movies/{NEMO}")["movie_id"] == str(NEMO)


@pytest.mark.usefixtures("cast")
def test_files_carry_countries_there_and_back(tmp_path):
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    path = tmp_path / "films.csv"
    path.write_text(
        "movie_id,countries,availability\n"
        f"{NEMO},US|CA,DE|AT 2026-01-01/|CH 2026-01-01T00:00:00Z/2026-02-01\n{MATRIX},,XX\n{STAR_WARS},,DE 2026\n"
    )
    rejected = import_file("movies", path)[1]
    assert [(line, field) for line, field, _ in rejected] == [(3, "availability"), (4, "availability")]
    assert Movie.objects.get(pk=NEMO).countries == ["US", "CA"]
    rows = MovieAvailability.objects.order_by("country").values_list(
        "movie_id", "country", "available_from", "available_until"
    )
    stored = [(NEMO, "AT", moment, None), (NEMO, "CH", moment, moment + 31 * DAY), (NEMO, "DE", None, None)]
    assert list(rows) == stored
    for form in ("csv", "jsonl"):
        copy = tmp_path / f"copy.{form}"
        copy.write_text(export_lines("movies", form))
        MovieAvailability.objects.all().delete()
        Movie.objects.update(countries=[])
        assert import_file("movies", copy)[1] == []
        assert list(rows.all()) == stored
        assert Movie.objects.get(pk=NEMO).countries == ["US", "CA"]


@pytest.mark.usefixtures("model")
def test_staff_open_a_film_in_a_country(api: ApiClient, editor):
    path = admin_url("movie", "change", NEMO)
    assert submit(editor, path, {"countries": "US"}).status_code == 302
    assert Movie.objects.get(pk=NEMO).countries == ["US"]
    row = MovieAvailability.objects.create(movie_id=NEMO, country="FR")
    assert submit(editor, path, {"availability-0-country": "de"}).status_code == 302
    row.refresh_from_db()
    assert row.country == "DE"
    assert submit(editor, path, {"availability-0-country": "XX"}).status_code == 200
    assert str(NEMO) in recommended_ids(api.get("/popular?top_k=200&country=DE"))
    assert str(NEMO) not in recommended_ids(api.get("/popular?top_k=200&country=FR"))
    assert submit(editor, path, {"availability-0-DELETE": True}).status_code == 302
    assert str(NEMO) in recommended_ids(api.get("/popular?top_k=200&country=FR"))
