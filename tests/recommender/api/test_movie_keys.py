"""Films by the site's own keys: any text, wherever a film is named, in lists of the model, stored ones and charts."""

from urllib.parse import quote

import pytest
from django.urls import reverse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.keys import parse_key
from catalog.limits import MAX_ID
from catalog.models import Movie, WatchEvent
from recommender import tasks
from recommender.ml.vocab import Vocab
from recommender.models import Job
from tests.support.api import recommended_ids
from tests.support.cast import BEN, EMPIRE, JEDI, STAR_WARS
from tests.support.imports import CSV, post_rows, run_import

pytestmark = pytest.mark.usefixtures("model")
KEYS = ["tt0111161", "01J9ZK4W3R-ulid", "a/b c?d#e%2F&f=g", "042", " 42", "-1", "0", "4.0", "9" * 19, "日本 👍", "Été"]
SOME = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CLUES = {"genres": ["Sci-Fi"], "directors": ["George Lucas"], "year": 1978, "title": "Our Own Space Film"}


def address(path, key):
    return path.format(quote(str(key), safe=""))


def made(site, key, **values):
    movie = site.post("/movies", {"movie_id": key, **CLUES, **values}, expect=201)
    assert movie["movie_id"] == str(key)
    return site.response.headers["Location"]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_works_wherever_a_film_is_named(site, key):
    location = made(site, key)
    assert site.get(location)["movie_id"] == key
    assert Movie.objects.get(key=key).pk < 0
    assert site.patch(address("/movies/{}", key), {"runtime": 99})["movie_id"] == key
    assert "," in key or site.get(f"/movies?ids={quote(key, safe='')},{STAR_WARS}")["results"][0]["movie_id"] == key
    similar = site.post("/similar", {"movie_id": key, "top_k": 5})
    assert (similar["movie_id"], len(similar["similar"])) == (key, 5)
    assert site.get(address("/similar/{}?top_k=5", key))["movie_id"] == key

    # A film that the model does not know, by its content: in lists, with its key; excluded by it; seen by it.
    viewer = {"user_id": BEN, "top_k": 200}
    assert key in [movie["movie_id"] for movie in site.post("/recommend", viewer)["recommendations"]]
    titled = site.post("/recommend", viewer | {"titles": True, "details": True})["recommendations"]
    assert next(movie for movie in titled if movie["movie_id"] == key)["runtime"] == 99
    excluded = site.post("/recommend", viewer | {"exclude": [key]})
    assert key not in [movie["movie_id"] for movie in excluded["recommendations"]]
    assert excluded["removed"]["excluded"] == 1
    posted = site.post("/recommend", {"history": [key, str(STAR_WARS)], "top_k": 200})
    assert posted["ignored_history"] == [key]  # the model has not learned it yet; it is not listed again all the same
    assert key not in [movie["movie_id"] for movie in posted["recommendations"]]

    assert site.post("/events", {"user_id": BEN, "movie_id": key, "kind": "watch", "event_id": "e"})["stored"] == 1
    assert site.post("/events", {"user_id": BEN, "movie_id": key, "kind": "click"})["stored"] == 1
    assert key not in [movie["movie_id"] for movie in site.post("/recommend", viewer)["recommendations"]]
    assert {event["movie_id"] for event in site.get(f"/users/{BEN}/data")["events"]} >= {key}
    assert site.get(f"/users/{BEN}/history")["results"][0]["movie_id"] == key
    assert site.delete(address(f"/users/{BEN}/events?movie_id={{}}&kind=watch", key))["events"] == 1
    batch = site.post("/batch/recommend", {"user_histories": {"7": [str(EMPIRE)]}, "top_k": 200})
    assert key in [movie["movie_id"] for movie in batch["results"]["7"]]


def test_a_row_and_an_error_name_the_key_as_it_came(site):
    made(site, "sku-1")
    rows = ("7,sku-1,watch,1700000000", "7,sku-2,watch,1700000001", "8,042,watch,1700000002")
    text = "\n".join(["user_id,movie_id,kind,occurred_at", *rows])
    job = run_import(site, post_rows(site, "events", text.encode(), CSV))
    assert (job["result"]["stored"], job["result"]["rejected"]) == (1, 2)
    reasons = [row["reason"] for row in site.get(f"/jobs/{job['job_id']}/rejected")["results"]]
    assert ["sku-2" in reasons[0], "042" in reasons[1]] == [True, True]
    assert "sku-1" in "".join(part.decode() for part in site.client.get("/exports/movies.csv").streaming_content)
    assert "no film sku-9" in site.post("/similar", {"movie_id": "sku-9"}, expect=404)["detail"]
    assert "sku-1" in site.post("/movies", {"movie_id": "sku-1", **CLUES}, expect=409)["detail"]
    for reference in ("imdb:tt0111161", "tmdb:278", "imdb:x"):
        error = site.post("/movies", {"movie_id": reference, **CLUES}, expect=400)["errors"][0]
        assert "another site" in error["detail"]
    for bad in ("", "x" * 129, "tab\there", "nul\0"):
        assert site.post("/movies", {"movie_id": bad, **CLUES}, expect=400)["errors"][0]["pointer"] == "#/movie_id"


TEXTS = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=20)


@SOME
@given(st.lists(st.integers(1, MAX_ID) | TEXTS, min_size=2, max_size=5))
@example([42, "42", "042", " 42", "42 ", "+42"])
@example(["é", "e\N{COMBINING ACUTE ACCENT}", "É", "e"])
def test_two_ids_are_one_film_if_the_rule_says_so(site, sent):
    Movie.objects.filter(title="Told Apart").delete()
    taken = set(Movie.objects.values_list("id", flat=True))
    keys = {key for text in sent if (key := parse_key(str(text))) not in taken and not str(text).startswith("imdb:")}
    for movie_id in sent:
        key = parse_key(str(movie_id))
        if key in keys:
            known = Movie.objects.filter(title="Told Apart").filter(
                **({"pk": key} if isinstance(key, int) else {"key": key})
            )
            body = {"movie_id": movie_id, "title": "Told Apart", "genres": ["Sci-Fi"]}
            site.post("/movies", body, expect=409 if known.exists() else 201)
            assert site.get(address("/movies/{}", movie_id))["movie_id"] == str(movie_id)
    assert Movie.objects.filter(title="Told Apart").count() == len(keys)


def test_pages_of_the_catalogue_and_of_lists_have_every_film_once(site):
    for key in ("sku-1", "sku-2", "tt0000001"):
        made(site, key, title=f"The Reel {key}")  # films of one title and year would be one
    seen, path = [], "/movies?page_size=20"
    while path:
        page = site.get(path)
        seen += [movie["movie_id"] for movie in page["results"]]
        path = page["next"] and page["next"].removeprefix("http://testserver")
    assert len(seen) == len(set(seen)) == Movie.objects.count()
    assert {"sku-1", "sku-2", "tt0000001"} <= set(seen)
    shown, cursor = [], None
    while cursor is not None or not shown:
        body = {"user_id": BEN, "top_k": 50} | ({"cursor": cursor} if cursor else {})
        page = site.post("/recommend", body)
        shown += [movie["movie_id"] for movie in page["recommendations"]]
        cursor = page["next"]
    assert len(shown) == len(set(shown))
    assert {"sku-1", "sku-2", "tt0000001"} <= set(shown)


def test_a_home_row_speaks_of_it_by_its_key(site):
    made(site, "sku-1")
    for day in range(3):
        moment = f"2026-01-0{day + 1}T20:00:00Z"
        movie = ("sku-1", str(EMPIRE), str(JEDI))[day]
        site.post("/events", {"user_id": "own@x", "movie_id": movie, "kind": "like", "occurred_at": moment})
    rows = site.get("/home?user_id=own%40x&rows=12&row_length=5")["rows"]
    assert rows
    assert {movie["movie_id"] for row in rows for movie in row["films"]}.isdisjoint({""})


def test_the_admin_finds_and_shows_it(site, admin_client):
    made(site, "sku 1/x")
    movie = Movie.objects.get(key="sku 1/x")
    page = admin_client.get(reverse("admin:catalog_movie_changelist"), {"q": "sku 1/x"})
    assert list(page.context["cl"].queryset) == [movie]
    assert "sku 1/x" in admin_client.get(reverse("admin:catalog_movie_change", args=[movie.pk])).content.decode()


def test_a_vocabulary_takes_ids_below_zero():
    vocab = Vocab([-7, 3, -1, 9, 3])
    assert vocab.movie_ids.tolist() == [-7, -1, 3, 9]
    assert vocab.encode([-1, 9, 5, 0]).tolist() == [2, 4, 0, 0]


def test_a_batch_takes_histories_of_its_key_and_the_viewer_is_handed_them_by_it(site, admin_client):
    made(site, "tt0111161")
    made(site, "a/b 1")
    histories = {"new@x": ["tt0111161", str(STAR_WARS), "a/b 1", "of no film"], str(BEN): ["tt0111161"]}
    again = {"headers": {"Idempotency-Key": "k"}}
    job = site.post("/batch/recommend/cache", {"user_histories": histories}, expect=202, **again)["job_id"]
    assert site.post("/batch/recommend/cache", {"user_histories": histories}, expect=202, **again)["job_id"] == job

    tasks.run_batch(job)

    done = site.get(f"/jobs/{job}")
    assert (done["status"], done["result"]["viewers"], done["result"]["failed_users"]) == ("done", 1, [BEN])
    listed = site.get("/recommend?user_id=new%40x&top_k=50")
    assert listed["source"] == "cache"
    assert {"tt0111161", "a/b 1", str(STAR_WARS)}.isdisjoint(recommended_ids(listed))
    page = admin_client.get(reverse("admin:recommender_job_change", args=[job])).content.decode()
    assert all(text in page for text in ("new@x", "tt0111161", "a/b 1"))
    [sent] = site.get("/users/new%40x/data")["sent_histories"]
    assert (sent["job_id"], sent["history"]) == (job, ["tt0111161", str(STAR_WARS), "a/b 1"])
    assert site.get(f"/users/{BEN}/data")["sent_histories"][0]["history"] == ["tt0111161"]
    assert site.delete("/users/new%40x/data")["jobs"] == 1
    assert Job.objects.get().parameters["user_histories"].keys() == {str(BEN)}
    assert site.get("/users/new%40x/data")["sent_histories"] == []


def test_a_session_takes_the_histories_that_were_sent_of_it_along_and_back(site):
    made(site, "tt0111161")
    site.post("/events", {"user_id": "sess/1", "movie_id": str(EMPIRE), "kind": "watch", "session": True})
    histories = {"sess/1": ["tt0111161"]}
    job = site.post("/batch/recommend/cache", {"user_histories": histories}, expect=202)["job_id"]
    merge = site.post("/users/merge", {"from_user_id": "sess/1", "into_user_id": "me@x"})
    assert site.get("/users/sess%2F1/data")["sent_histories"] == []
    site.post("/users/merge/undo", {"merge_id": merge["merge_id"]})
    assert site.get("/users/sess%2F1/data")["sent_histories"][0]["history"] == ["tt0111161"]
    tasks.run_batch(job)
    assert site.get(f"/jobs/{job}")["status"] == "done"


def test_an_event_goes_with_its_film(site):
    made(site, "sku-1")
    site.post("/events", {"user_id": "own@x", "movie_id": "sku-1", "kind": "watch"})
    assert WatchEvent.objects.filter(movie__key="sku-1").count() == 1
