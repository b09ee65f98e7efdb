"""Pages of lists: `next` sent as `cursor` goes on, whatever happens in between, until the catalogue ends."""

import random
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.db.models import F
from django.utils import timezone

from catalog.models import Genre, Movie, Revision, Rule, Viewer, WatchEvent
from catalog.services import bump_catalogue, bump_epoch, record_events
from recommender import cache, registry
from recommender.cache import CacheUnavailable, pages, publish_epoch
from recommender.serving.paging import page as paging
from tests.support.api import app_client, recommended_ids
from tests.support.cast import ADA, BEN, CLEO, EVE, GODFATHER, MORNING, NEMO, STAR_WARS, watch_event
from tests.support.tiny_model import second_version

pytestmark = pytest.mark.usefixtures("model")
LISTS = {
    "a viewer's own": ("GET", "/recommend", {"user_id": ADA, "top_k": 9}),
    "a viewer without a history": ("GET", "/recommend", {"user_id": EVE, "top_k": 9}),
    "of a posted history": ("POST", "/recommend", {"history": ["1", "50", "260"], "top_k": 9}),
    "filtered": ("POST", "/recommend/filtered", {"user_id": BEN, "genres": ["Sci-Fi", "Crime"], "final_k": 9}),
    "diverse": ("POST", "/recommend", {"user_id": CLEO, "diversity": 0.6, "top_k": 9}),
    "of a group": ("POST", "/recommend", {"user_ids": [ADA, BEN, EVE], "top_k": 9}),
    "by liked genres": ("POST", "/recommend", {"liked_genres": ["Crime"], "top_k": 9}),
    "for a time": ("GET", "/recommend", {"user_id": ADA, "top_k": 9, "at": "2024-05-01T20:00:00Z"}),
    "popular": ("GET", "/popular", {"top_k": 9, "user_id": ADA}),
    "latest": ("GET", "/latest", {"top_k": 9}),
    "similar": ("POST", "/similar", {"movie_id": str(STAR_WARS), "user_id": ADA, "top_k": 9}),
    "similar, cacheable": ("GET", f"/similar/{STAR_WARS}", {"top_k": 9}),
    "with seen films": ("GET", "/recommend", {"user_id": ADA, "seen": "include", "top_k": 9}),
    "with seen films, for a time": (
        "GET",
        "/recommend",
        {"user_id": ADA, "seen": "include", "top_k": 9, "at": "2024-05-01T20:00:00Z"},
    ),
    "with posted films": ("POST", "/recommend", {"history": ["1", "50", "260"], "seen": "include", "top_k": 9}),
    "with seen films, diverse": (
        "POST",
        "/recommend",
        {"user_id": ADA, "seen": "include", "diversity": 0.6, "top_k": 9},
    ),
    "with seen films, without a history": ("GET", "/recommend", {"user_id": EVE, "seen": "include", "top_k": 9}),
    "filtered, with seen films": (
        "POST",
        "/recommend/filtered",
        {"user_id": BEN, "genres": ["Sci-Fi", "Crime"], "seen": "include", "final_k": 9},
    ),
    "popular, with seen films": ("GET", "/popular", {"top_k": 9, "user_id": ADA, "seen": "include"}),
    "latest, with seen films": ("GET", "/latest", {"top_k": 9, "user_id": ADA, "seen": "include"}),
    "similar, with seen films": (
        "POST",
        "/similar",
        {"movie_id": str(STAR_WARS), "user_id": ADA, "seen": "include", "top_k": 9},
    ),
    "seen films": ("GET", "/recommend", {"user_id": ADA, "seen": "only", "top_k": 2}),
    "posted films": ("POST", "/recommend", {"history": ["1", "50", "260"], "seen": "only", "top_k": 2}),
    "filtered, seen films": (
        "POST",
        "/recommend/filtered",
        {"user_id": ADA, "genres": ["Sci-Fi", "Crime"], "seen": "only", "final_k": 1},
    ),
    "popular, seen films": ("GET", "/popular", {"top_k": 2, "user_id": ADA, "seen": "only"}),
    "latest, seen films": ("GET", "/latest", {"top_k": 2, "user_id": ADA, "seen": "only"}),
    "similar, seen films": (
        "POST",
        "/similar",
        {"movie_id": str(STAR_WARS), "user_id": ADA, "seen": "only", "top_k": 2},
    ),
}


def call(client, method, path, values, **more):
    return client.get(path, data=values, **more) if method == "GET" else client.post(path, values, **more)


def films_of(body):
    return [movie["movie_id"] for movie in body.get("recommendations", body.get("similar"))]


def go_on(client, method, path, first, cursor, **more):
    """Ask for the next page as a client does: the cursor, and who the list is for."""
    who = {name: first[name] for name in ("user_id",) if name in first}
    return call(client, method, path, {**who, "cursor": cursor, **more})


def all_pages(client, method, path, values, limit=100):
    body = call(client, method, path, values)
    found = [films_of(body)]
    while body["next"]:
        assert len(found) < limit
        body = go_on(client, method, path, values, body["next"])
        found.append(films_of(body))
    return found


def everything(client, method, path, values):
    """The whole list, where one answer of 200 holds it."""
    length = {"final_k": 200, "top_k": 200} if "final_k" in values else {"top_k": 200}
    body = call(client, method, path, {**values, **length, **({"diversity": 0} if "diversity" in values else {})})
    assert body["next"] is None
    return films_of(body)


@pytest.mark.parametrize("name", LISTS)
def test_pages_hold_each_film_of_the_list_once_and_end_with_it(api, name):
    method, path, values = LISTS[name]
    whole = everything(api, method, path, values)

    found = all_pages(api, method, path, values)

    films = [film for page in found for film in page]
    assert len(films) == len(set(films))
    assert set(films) == set(whole)
    size = values.get("top_k") or values["final_k"]
    assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
    assert 0 < len(found[-1]) <= size
    if "diversity" not in values and name != "of a group":
        assert films == whole, "nothing changed in between, so the pages are the list"


@pytest.fixture
def large_catalogue():
    """More films than one answer holds, and more than a stored list does."""
    genre = Genre.objects.get(name="Crime")
    made = Movie.objects.bulk_create(Movie(title=f"Film {n}", year=1950 + n % 70) for n in range(450))
    Movie.genres.through.objects.bulk_create(
        Movie.genres.through(movie_id=movie.pk, genre_id=genre.pk) for movie in made
    )
    bump_catalogue()
    return set(map(str, Movie.objects.values_list("id", flat=True)))


LONG_LISTS = {
    "a viewer's own": ("GET", "/recommend", {}),
    "for a time": ("GET", "/recommend", {"at": "2024-05-01T20:00:00Z"}),
    "popular": ("GET", "/popular", {}),
    "latest": ("GET", "/latest", {}),
    "filtered": ("POST", "/recommend/filtered", {"genres": ["Crime"]}),
    "similar": ("POST", "/similar", {"movie_id": str(GODFATHER)}),
}


@pytest.mark.parametrize("name", LONG_LISTS)
def test_the_pages_of_a_long_list_hold_all_that_may_be_listed(api, site, large_catalogue, name):
    watched = sorted(large_catalogue, key=int)[::2]
    rejected, badly_rated = watched.pop(), watched[-1]
    events = [{"user_id": EVE, "movie_id": movie, "kind": "watch"} for movie in watched]
    events += [{"user_id": EVE, "movie_id": rejected, "kind": "dislike"}]
    events += [{"user_id": EVE, "movie_id": badly_rated, "kind": "rating", "rating": 1}]
    events = [
        {**event, "occurred_at": (MORNING + timedelta(minutes=minute)).isoformat()}
        for minute, event in enumerate(events)
    ]
    assert site.post("/events", events)["stored"] == len(events)
    method, path, values = LONG_LISTS[name]
    values = {"user_id": EVE, "final_k" if path.endswith("filtered") else "top_k": 90, **values}

    found = {}
    for seen in ("exclude", "include", "only"):
        films = [film for page in all_pages(api, method, path, {**values, "seen": seen}) for film in page]
        assert len(films) == len(set(films)), "a film twice"
        found[seen] = set(films)

    everything = found["include"]
    if name == "filtered":
        everything = set(map(str, Movie.objects.filter(genres__name="Crime").values_list("id", flat=True))) - {rejected}
    elif name != "similar":  # which ends where nothing is alike any more
        everything = large_catalogue - {rejected}
    assert found["include"] == everything
    assert found["exclude"] == everything - {*watched}
    assert found["only"] == everything & {*watched} - {badly_rated}
    assert len(found["exclude"]) > 200


def test_a_first_page_stores_nothing_and_asks_nothing(api, django_assert_num_queries):
    api.get(f"/recommend?user_id={ADA}&top_k=10")
    redis = cache.connection.redis_connection.client()
    before = redis.info("commandstats")

    with django_assert_num_queries(0):
        body = api.get(f"/recommend?user_id={ADA}&top_k=10")

    after = redis.info("commandstats")
    calls = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    written = {name for name, count in calls.items() if count} - {"cmdstat_mget", "cmdstat_info", "cmdstat_select"}
    assert body["source"] == "cache"
    assert body["next"]
    assert calls["cmdstat_mget"] == 1
    assert not {name for name in written if name.startswith(("cmdstat_hs", "cmdstat_z", "cmdstat_setr"))}
    assert not list(redis.scan_iter("*pages:*"))


def test_the_second_page_of_a_stored_list_is_cut_from_it(api, django_assert_num_queries):
    first = api.get(f"/recommend?user_id={ADA}&top_k=10")

    with django_assert_num_queries(0):
        second = api.get(f"/recommend?user_id={ADA}&cursor={first['next']}")

    assert second["source"] == "cache"
    assert recommended_ids(first) + recommended_ids(second) == recommended_ids(
        api.get(f"/recommend?user_id={ADA}&top_k=20")
    )


def test_a_cursor_sent_twice_gives_the_same_page(api):
    first = api.get(f"/recommend?user_id={ADA}&top_k=10")
    second = api.get(f"/recommend?user_id={ADA}&cursor={first['next']}")
    record_events([watch_event(ADA, NEMO, MORNING + timedelta(days=90))])
    watched, *rest = recommended_ids(second)
    record_events([watch_event(ADA, int(watched), MORNING + timedelta(days=91))])

    again = api.get(f"/recommend?user_id={ADA}&cursor={first['next']}&top_k=50")

    assert recommended_ids(again) == [film for film in rest if film != str(NEMO)], "what was watched is not listed"
    assert again["recommendation_id"] == second["recommendation_id"]
    assert again["next"] == second["next"]


def test_one_etag_holds_for_a_list_and_its_cursor(api):
    first = api.get("/popular?top_k=5")

    assert api.get("/popular?top_k=5")["next"] == first["next"]


WITH_SEEN = ("with seen films", "filtered, with seen films", "similar, with seen films", "popular, with seen films")


@pytest.mark.parametrize(
    "name", ["a viewer's own", "of a group", "filtered", "similar", "popular", *WITH_SEEN, "seen films"]
)
def test_no_film_comes_twice_whatever_happens_in_between(api, site, editor_rules, model_folder, name):
    rng = random.Random(name)
    films = list(Movie.objects.values_list("id", flat=True))
    method, path, values = LISTS[name]
    body = call(api, method, path, values)
    shown, watched, hidden = films_of(body), set(), set()
    with second_version(model_folder) as second:
        while body["next"]:
            for _ in range(rng.randrange(3)):
                happening = rng.choice(["watch", "hide", "add", "rule", "model", "night"])
                if happening == "watch":
                    movie = rng.choice(films)
                    watched.add(str(movie))
                    site.post("/events", {"user_id": ADA, "movie_id": str(movie), "kind": "watch"})
                elif happening == "hide":
                    movie = rng.choice(films)
                    hidden.add(str(movie))
                    site.patch(f"/movies/{movie}", {"published": False})
                elif happening == "add" and len(films) < 85:
                    made = site.post(
                        "/movies", {"title": f"New {len(films)}", "year": 2020, "genres": ["Crime"]}, expect=201
                    )
                    films.append(int(made["movie_id"]))
                elif happening == "rule":
                    editor_rules(rng.choice(["boost", "bury", "pin"]), rng.choice(films))
                elif happening == "model":
                    registry.activate(rng.choice([second.name, "tiny"]), "for the test")
                elif happening == "night":
                    publish_epoch(bump_epoch())
            body = go_on(api, method, path, values, body["next"], **page_size(path, rng))
            page = films_of(body)
            assert not set(page) & set(shown), "a film twice"
            assert not set(page) & hidden
            if "seen" not in values and (values.get("user_id") == ADA or "user_ids" in values):
                assert not set(page) & watched
            shown += page
        registry.activate("tiny", "for the test")
    left = set(films_of(call(api, method, path, {**values, **longest(path)}))) - set(shown)
    assert not left, "the list ended before the catalogue"


def page_size(path, rng):
    return {"final_k" if path.endswith("filtered") else "top_k": rng.choice([1, 5, 12, 30])}


def longest(path):
    return {"final_k": 200, "top_k": 200} if path.endswith("filtered") else {"top_k": 200}


@pytest.fixture
def editor_rules():
    def make(action, movie):
        Rule.objects.create(name=f"{action} {movie}", action=action, by=Rule.Target.MOVIE, movie_id=movie, places=7)
        bump_catalogue()

    return make


def test_rules_move_films_over_pages_as_in_one_list(api, editor_rules):
    plain = recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=30"))
    for action, movie in (("bury", plain[0]), ("boost", plain[20]), ("pin", plain[28])):
        editor_rules(action, int(movie))
    whole = recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=200"))

    found = [film for page in all_pages(api, "GET", "/recommend", {"user_id": ADA, "top_k": 6}) for film in page]

    assert found == whole
    assert whole[6] == plain[28]


def test_a_cursor_is_of_one_viewer_and_of_one_call(api, client_with):
    cursor = api.get(f"/recommend?user_id={ADA}&top_k=5")["next"]

    for viewer in (BEN, EVE):
        error = api.get(f"/recommend?user_id={viewer}&cursor={cursor}", expect=400)
        assert error["errors"][0]["parameter"] == "user_id"
    assert "begin a list of their own" in error["errors"][0]["detail"]
    own, foreign = app_client(ADA, client_with), app_client(BEN, client_with)
    assert own.get(f"/recommend?cursor={cursor}")["user_id"] == ADA
    assert foreign.get(f"/recommend?cursor={cursor}", expect=400)["errors"][0]["parameter"] == "user_id"
    everyones = api.get("/popular?top_k=5")["next"]
    foreign.get(f"/popular?cursor={everyones}", expect=400)
    for call_of_another in (f"/recommend?user_id={ADA}&cursor={everyones}", f"/trending?cursor={everyones}"):
        assert "no cursor that this call gave" in api.get(call_of_another, expect=400)["errors"][0]["detail"]


def test_what_contradicts_the_cursor_is_refused(api):
    body = api.post("/recommend", {"user_id": ADA, "top_k": 5, "diversity": 0.5, "exclude": ["1"]})
    agreeing = {"user_id": ADA, "cursor": body["next"], "diversity": 0.5, "top_k": 7, "titles": True, "explain": False}

    assert len(api.post("/recommend", agreeing)["recommendations"]) == 7
    for name, value in (("diversity", 0.1), ("exclude", []), ("history", ["1"]), ("explain", True), ("age_limit", 6)):
        error = api.post("/recommend", {**agreeing, name: value}, expect=400)
        assert [item["pointer"] for item in error["errors"]] == [f"#/{name}"]
        assert "begin a new list" in error["errors"][0]["detail"]


def test_a_cursor_that_was_tampered_with_is_refused(api):
    cursor = api.get(f"/recommend?user_id={ADA}&top_k=5")["next"]

    for text in (cursor[:-2] + "AA", cursor[::-1], "A", "AA", "AAAA", cursor + "A" * 9, "*", ""):
        error = api.get("/recommend", data={"user_id": ADA, "cursor": text}, expect=400)
        assert error["errors"][0]["parameter"] == "cursor"


def test_an_old_cursor_is_gone(api, settings, monkeypatch):
    first = api.get(f"/recommend?user_id={ADA}&top_k=5")
    second = api.get(f"/recommend?cursor={first['next']}&user_id={ADA}")
    now = paging.rounded_now()
    for key in cache.connection.redis_connection.client().scan_iter("*pages:*"):
        assert 0 < cache.connection.redis_connection.client().ttl(key) <= settings.PAGE_LIFETIME
    caches["lists"].clear()

    error = api.get(f"/recommend?cursor={second['next']}&user_id={ADA}", expect=410)
    assert (error["code"], "begin a new list" in error["detail"]) == ("cursor_expired", True)
    later = now + settings.PAGE_LIFETIME + 600
    monkeypatch.setattr("recommender.serving.paging.tokens.time.time", lambda: later)
    api.get(f"/recommend?cursor={first['next']}&user_id={ADA}", expect=410)


def test_another_data_set_ends_all_lists(api):
    cursor = api.get("/popular?top_k=5")["next"]
    bump_catalogue()
    Revision.objects.update(data_set=F("data_set") + 1)
    bump_catalogue()

    api.get(f"/popular?cursor={cursor}", expect=410)


def test_without_redis_first_pages_work_and_next_ones_say_why_not(api, monkeypatch):
    first = api.get(f"/recommend?user_id={ADA}&top_k=5")

    def down(*_, **__):
        raise CacheUnavailable("down")

    with monkeypatch.context() as patch:
        patch.setattr("recommender.cache.connection.RedisConnection.checked_client", down)
        error = api.get(f"/recommend?cursor={first['next']}&user_id={ADA}", expect=503)
        assert (error["code"], api.response.headers["Retry-After"]) == ("pages_unavailable", "5")
        assert api.get(f"/recommend?user_id={ADA}&top_k=5")["next"]


def test_a_long_request_is_kept_and_not_carried(api):
    history = [str(10_000 + n) for n in range(900)] + ["260"]
    body = {"history": history, "exclude": [f"imdb:tt{n:07}" for n in range(900)], "top_k": 9}

    found = all_pages(api, "POST", "/recommend", body)

    assert len(api.post("/recommend", body)["next"]) < 100
    assert len({film for page in found for film in page}) == sum(map(len, found)) == 76


def test_sessions_are_bounded_and_erased_with_their_viewer(api, site, monkeypatch):
    monkeypatch.setattr(pages, "MAX_SESSIONS_OF_VIEWER", 3)
    redis = cache.connection.redis_connection.client()
    cursors = []
    for top_k in range(1, 7):
        first = api.get(f"/recommend?user_id={ADA}&top_k={top_k}")
        cursors.append(api.get(f"/recommend?user_id={ADA}&cursor={first['next']}")["next"])
    assert len(list(redis.scan_iter("*pages:*:ids"))) == 3
    api.get(f"/recommend?user_id={ADA}&cursor={cursors[0]}", expect=410)
    api.get(f"/recommend?user_id={ADA}&cursor={cursors[-1]}")

    site.delete(f"/users/{ADA}/data")

    assert not list(redis.scan_iter("*pages*"))


def test_two_calls_with_one_cursor_make_one_page(api, monkeypatch):
    first = api.get(f"/recommend?user_id={ADA}&top_k=10")
    store = cache.store_page

    def store_after_another(*values, **more):
        monkeypatch.setattr(cache, "store_page", store)
        others.append(api.get(f"/recommend?user_id={ADA}&cursor={first['next']}&top_k=3"))
        return store(*values, **more)

    others = []
    monkeypatch.setattr(cache, "store_page", store_after_another)
    second = api.get(f"/recommend?user_id={ADA}&cursor={first['next']}")

    assert recommended_ids(second) == recommended_ids(others[0])
    assert second["next"] == others[0]["next"]


def test_a_childs_limit_holds_from_the_next_page_on(api):
    first = api.get(f"/recommend?user_id={ADA}&top_k=5")
    Movie.objects.filter(certificate="").update(certificate="G")
    Viewer.objects.filter(id=ADA).update(age_limit=8)
    record_events([watch_event(ADA, NEMO, timezone.now())])
    bump_catalogue()

    rest = {film for page in pages_from(api, first["next"]) for film in page}

    assert rest
    assert not Movie.objects.filter(id__in=rest, certificate="R").exists()


def pages_from(api, cursor):
    while cursor:
        body = api.get(f"/recommend?user_id={ADA}&cursor={cursor}")
        yield recommended_ids(body)
        cursor = body["next"]


@pytest.mark.parametrize("query", [{"user_id": ADA}, {"user_id": CLEO, "exclude": "5201"}, {}, {"genres": "Crime"}])
def test_a_home_row_goes_on_behind_its_films(api, query):
    rows = api.get("/home", data={**query, "rows": 20, "row_length": 4})["rows"]
    who = {name: query[name] for name in ("user_id",) if name in query}

    calls = set()
    for row in rows:
        if row["see_all"] is None:
            continue
        method, path, cursor = row["see_all"]["method"], row["see_all"]["path"], row["see_all"]["cursor"]
        calls.add(path)
        seen = [film["movie_id"] for film in row["films"]]
        while cursor:
            body = call(api, method, path, {**who, "cursor": cursor})
            seen += films_of(body)
            assert body.get("recommendations", body.get("similar")) == [] or "title" in films_titled(body)
            cursor = body["next"]
        assert len(seen) == len(set(seen))
        assert len(seen) > len(row["films"]) or row["kind"] in ("director", "actor", "trending", "trending_for_you")
        if row["kind"] in ("genre", "popular_genre"):
            named = Movie.objects.filter(genres__name=row["about"]).values_list("id", flat=True)
            assert set(seen) <= set(map(str, named))
        assert "5201" not in seen or "exclude" not in query
    assert calls


@pytest.mark.parametrize("viewer", [ADA, EVE])
def test_the_rows_of_a_home_page_go_on_to_the_catalogue_s_end(api, large_catalogue, viewer):
    unseen = large_catalogue - {str(event.movie_id) for event in WatchEvent.objects.filter(viewer=viewer)}
    crime = set(map(str, Movie.objects.filter(genres__name="Crime").values_list("id", flat=True)))
    whole = {"top_picks": unseen, "new": unseen, "popular": unseen, "genre": unseen & crime}

    rows = api.get(f"/home?user_id={viewer}&rows=20&row_length=6")["rows"]

    ended = []
    for row in rows:
        if row["kind"] not in whole or row["about"] not in (None, "", "Crime"):
            continue
        films = [film["movie_id"] for film in row["films"]]
        method, path, cursor = row["see_all"]["method"], row["see_all"]["path"], row["see_all"]["cursor"]
        while cursor:
            body = call(api, method, path, {"user_id": viewer, "cursor": cursor, **page_size(path, random.Random(1))})
            films += films_of(body)
            cursor = body["next"]
        assert len(films) == len(set(films)), row["kind"]
        assert set(films) == whole[row["kind"]], row["kind"]
        ended.append(row["kind"])
    assert {"new", "popular"} <= set(ended)


def films_titled(body):
    return body.get("recommendations", body.get("similar"))[0]
