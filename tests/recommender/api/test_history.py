"""POST /users/{id}/history, and the same by command: what people exported from IMDb, Letterboxd and Trakt."""

import csv
import io
import json

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Movie, WatchEvent
from recommender.models import ApiKey
from tests.support.cast import (
    AMELIE,
    EVE,
    GODFATHER,
    MATRIX,
    NEMO,
    PULP_FICTION,
    SPIRITED_AWAY,
    STAR_WARS,
    TOY_STORY,
)

pytestmark = pytest.mark.usefixtures("cast")
IMDB = """Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres
tt0114709,9,2020-05-01,Anything,Anything,https://x,Movie,8.3,81,1995,Animation
tt9999999,7,2020-05-02,The Matrix,The Matrix,https://x,Movie,8.7,136,1999,Action
tt0903747,10,2020-05-03,Breaking Bad,Breaking Bad,https://x,TV Series,9.5,49,2008,Crime
tt0000001,8,2020-05-04,Some Other,Some Other,https://x,Movie,5.0,90,1950,Drama
tt0000002,x,2020-05-05,Bad Stars,Bad Stars,https://x,Movie,5.0,90,1950,Drama
"""
DIARY = """Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date
2021-01-03,Amelie,2001,https://boxd.it/a,4.5,,,2021-01-02
2021-01-03,"Godfather, The",1972,https://boxd.it/b,,,,2021-01-03
2021-01-04,Le Fabuleux Destin d'Amélie Poulain,2001,https://boxd.it/c,,Yes,,2021-01-04
2021-01-05,Twice,2000,https://boxd.it/d,,,,2021-01-05
"""
RATINGS = "Date,Name,Year,Letterboxd URI,Rating\n2021-02-01,Pulp Fiction,1994,https://boxd.it/e,0.5\n"
WATCHED = "Date,Name,Year,Letterboxd URI\n2021-02-02,Spirited Away,2001,https://boxd.it/f\n"
TRAKT = [
    {"id": 1, "watched_at": "2022-03-01T20:00:00.000Z", "action": "watch", "type": "movie",
     "movie": {"title": "Renamed", "year": 1977, "ids": {"trakt": 1, "slug": "x", "imdb": "tt0076759", "tmdb": 11}}},
    {"id": 2, "watched_at": "2022-03-02T20:00:00.000Z", "type": "movie",
     "movie": {"title": "Finding Nemo", "year": 2003, "ids": {}}},
    {"id": 3, "watched_at": "2022-03-03T20:00:00.000Z", "type": "episode", "episode": {"title": "Pilot"}},
    {"rated_at": "2022-03-04T20:00:00.000Z", "rating": 7, "type": "movie",
     "movie": {"title": "Finding Nemo", "year": 2003, "ids": {}}},
]  # fmt: skip


def sent(client, text, expect=200, viewer=EVE):
    body = text if isinstance(text, bytes) else text.encode()
    return client.post(f"/users/{viewer}/history", body, content_type="text/csv", expect=expect)


def history():
    events = WatchEvent.objects.filter(viewer_id=EVE).order_by("occurred_at", "id")
    return [(event.movie_id, event.get_kind_display(), f"{event.occurred_at:%m-%d}", event.rating) for event in events]


@pytest.fixture(autouse=True)
def ids(db, cast):
    Movie.objects.filter(pk=TOY_STORY).update(imdb_id="tt0114709")
    Movie.objects.filter(pk=STAR_WARS).update(tmdb_id=11)
    Movie.objects.bulk_create([Movie(title="Twice", year=2000), Movie(title="Twice", year=2000)])


def test_ratings_of_imdb(site):
    for stored, duplicates in ((2, 0), (0, 2)):
        result = sent(site, "\ufeff" + IMDB)
        reported = {name: result[name] for name in ("source", "rows", "by_id", "by_title", "stored", "duplicates")}
        assert reported == {
            "source": "imdb", "rows": 5, "by_id": 1, "by_title": 1, "stored": stored, "duplicates": duplicates
        }  # fmt: skip
        assert [(item["line"], item["title"]) for item in result["unmatched"]] == [
            (4, "Breaking Bad"), (5, "Some Other"), (6, "Bad Stars")
        ]  # fmt: skip
    assert history() == [(TOY_STORY, "rating", "05-01", 4.5), (MATRIX, "rating", "05-02", 3.5)]


def test_letterboxd(site):
    result = sent(site, DIARY)
    assert (result["source"], result["by_title"], result["stored"]) == ("letterboxd", 3, 4)
    assert [(item["line"], item["reason"]) for item in result["unmatched"]] == [
        (5, "Several films are called so: Twice (2000), Twice (2000).")
    ]
    for text in (RATINGS, WATCHED):
        assert sent(site, text)["stored"] == 1
    assert history() == [
        (AMELIE, "watch", "01-02", None),
        (AMELIE, "rating", "01-02", 4.5),
        (GODFATHER, "watch", "01-03", None),
        (AMELIE, "rewatch", "01-04", None),
        (PULP_FICTION, "rating", "02-01", 0.5),
        (SPIRITED_AWAY, "watch", "02-02", None),
    ]


def test_trakt_by_command(tmp_path):
    path = tmp_path / "history.json"
    path.write_text(json.dumps(TRAKT))
    out = io.StringIO()
    call_command("import_history", str(EVE), path, stdout=out)
    assert "trakt: 4 rows, 1 found by id and 2 by title and year; 3 events stored" in out.getvalue()
    assert history() == [
        (STAR_WARS, "watch", "03-01", None), (NEMO, "watch", "03-02", None), (NEMO, "rating", "03-04", 3.5)
    ]  # fmt: skip
    [left] = csv.DictReader((tmp_path / "history.json.unmatched.csv").open())
    assert (left["line"], left["reason"]) == ("3", "is no film")


def test_a_file_that_is_no_export_is_refused(site, client_with):
    for text, message in (("a,b\n1,2\n", "is no export"), ("[", "is not JSON"), ("", "is no export")):
        assert message in str(sent(site, text or "\n", expect=400))
    site.post(f"/users/{'x' * 129}/history", b"[]", expect=404)
    sent(client_with(ApiKey.Scope.READ, ApiKey.Scope.ERASE), IMDB, expect=403)
    assert history() == []


ANY = st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=10), st.just("2020-01-01"), st.just({}))
FILM = st.fixed_dictionaries({}, optional=dict.fromkeys(("title", "year", "ids"), ANY))
ROW = st.fixed_dictionaries({}, optional={"movie": FILM, "watched_at": ANY, "rated_at": ANY, "rating": ANY})


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, max_size=4))
def test_any_list_is_read_or_named(site, rows):
    result = sent(site, json.dumps(rows))
    assert result["rows"] == len(rows)
    assert GODFATHER not in {movie for movie, *_ in history()}
