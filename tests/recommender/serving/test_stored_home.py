"""A home page that was made before is served again while it is true, without a query: the page that would be made."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import Genre, Movie, Person
from catalog.services import bump_epoch, delete_movies, publish_movies, record_events, save_record
from recommender import process_state, registry
from recommender.movies import popularity_counts
from recommender.serving.candidates import charts
from recommender.serving.home import stored
from tests.support.cast import ADA, BEN, CLEO, DAN, EVE, JEDI, MORNING, STAR_WARS, watch_event
from tests.support.forms import edit
from tests.support.tiny_model import INVENTED, second_version

pytestmark = pytest.mark.usefixtures("model")
PAGE = f"/home?user_id={ADA}&rows=20&row_length=6"


def shown(api, path=PAGE):
    """Return a page without what differs from answer to answer; where `top_picks` comes from differs too."""
    body = api.get(path)
    for row in body["rows"]:
        row.pop("recommendation_id")
        row["see_all"] = row["see_all"] and row["see_all"]["path"]
        if row["kind"] == "top_picks":
            row.pop("source")
    return body


def made_anew(api, path=PAGE):
    """Return the page as a process that has just started makes it where no page is stored."""
    caches["lists"].delete_pattern("*home:*")
    process_state.clear()
    return shown(api, path)


def queries_of(api, path=PAGE):
    with CaptureQueriesContext(connection) as queries:
        shown(api, path)
    return len(queries)


def films(body):
    return [film["movie_id"] for row in body["rows"] for film in row["films"]]


@pytest.mark.parametrize("who", [f"user_id={viewer}&" for viewer in (ADA, BEN, CLEO, DAN)] + [""])
@pytest.mark.parametrize("how", ["", "rows=3&row_length=50", "genres=Crime&language=de&age_limit=17&details=true"])
def test_a_stored_page_is_the_page_that_would_be_made_and_costs_no_query(api, who, how):
    path = f"/home?{who}{how}"
    first = shown(api, path)

    assert queries_of(api, path) == 0
    assert shown(api, path) == first == made_anew(api, path)


def test_a_page_of_the_process_that_counted_the_charts_is_current_for_the_others(api):
    now = timezone.now()
    movies = [movie for genre in INVENTED.values() for movie in genre]
    record_events([watch_event(7000 + n % 97, movies[n % len(movies)], now) for n in range(600)])
    caches["lists"].delete_pattern("chart:*")
    process_state.clear()
    shown(api)  # counts the charts
    charts._cached.clear()  # another process, which reads what was counted

    assert queries_of(api) == 0


def test_each_answer_has_ids_of_its_own_and_repeats_the_viewer_as_sent(api):
    first, second = (api.get(PAGE) for _ in range(2))
    ids = [{row["recommendation_id"] for row in body["rows"]} for body in (first, second)]
    assert not ids[0] & ids[1]
    assert (first["user_id"], second["user_id"]) == (ADA, ADA)
    keys = [[row["key"] for row in body["rows"]] for body in (first, second)]
    assert keys[0] == keys[1]


def happens(kind, movie, at=None, **more):
    def change(site, editor):
        event = {
            "user_id": ADA,
            "movie_id": str(movie),
            "kind": kind,
            "occurred_at": (at or timezone.now()).isoformat(),
        }
        site.post("/events", event | more)

    return change


def film_changes(**values):
    def change(site, editor):
        movie = Movie.objects.get(pk=INVENTED["Sci-Fi"][3])
        for name, value in values.items():
            setattr(movie, name, value)
        save_record(movie)

    return change


def record_is_renamed(record, **lookup):
    def change(site, editor):
        found = record.objects.get(**lookup)
        found.name = "Renamed"
        save_record(found)

    return change


def rule_is_made(**values):
    def change(site, editor):
        from django.urls import reverse

        from tests.support.forms import submit

        answer = submit(editor, reverse("admin:catalog_rule_add"), {"name": "a rule", "places": 1, **values})
        assert answer.status_code == 302, answer.context["errors"]

    return change


def everybody_watches_crime(site, editor):
    now = timezone.now()
    record_events([watch_event(7000 + n, movie, now) for n, movie in enumerate(8 * INVENTED["Crime"][:8])])
    charts.refresh()
    process_state.clear()  # the next minute


def new_film(site, editor):
    movie = Movie(title="Brand New", year=2026)
    save_record(movie)
    movie.genres.add(Genre.objects.get(name="Sci-Fi"))
    save_record(movie)


def merged(site, editor):
    site.post("/users/merge", {"from_user_id": CLEO, "into_user_id": ADA})


CHANGES = {
    "watch": happens("watch", INVENTED["Sci-Fi"][0]),
    "dislike": happens("dislike", INVENTED["Sci-Fi"][1]),
    "started": happens("watch", INVENTED["Sci-Fi"][2], completion=0.2),
    "rating": happens("rating", INVENTED["Crime"][2], rating=5.0),
    "not interested": happens("not_interested", INVENTED["Sci-Fi"][1]),
    "title": film_changes(title="Another Title"),
    "poster": film_changes(poster_url="https://posters.example/new.jpg"),
    "hidden": lambda site, editor: publish_movies(INVENTED["Sci-Fi"][:4], False),
    "window": film_changes(available_until=datetime(2020, 1, 1, tzinfo=UTC)),
    "deleted": lambda site, editor: delete_movies(INVENTED["Sci-Fi"][:4]),
    "new film": new_film,
    "genre": record_is_renamed(Genre, name="Sci-Fi"),
    "person": record_is_renamed(Person, name="Mark Hamill"),
    "excluded": rule_is_made(action="exclude", movie=INVENTED["Sci-Fi"][4]),
    "pinned": rule_is_made(action="pin", movie=INVENTED["Crime"][19]),
    "age limit": lambda site, editor: edit(editor, "viewer", ADA, age_limit=9),
    "country": lambda site, editor: edit(editor, "viewer", ADA, country="DE"),
    "language": lambda site, editor: edit(editor, "viewer", ADA, language="de"),
    "merge": merged,
    "erasure": lambda site, editor: site.delete(f"/users/{ADA}/data"),
    "import": lambda site, editor: bump_epoch(),
    "charts": everybody_watches_crime,
}
UNSEEN = {"country", "import", "person"}  # the page says the same, and is made anew all the same


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_changes_is_true_on_the_next_page(api, site, editor, name):
    others = ["/home?rows=20", f"/home?user_id={BEN}&rows=20"]
    before = [shown(api, path) for path in (PAGE, *others)]
    assert queries_of(api) == 0

    CHANGES[name](site, editor)

    after = [shown(api, path) for path in (PAGE, *others)]
    assert (after[0] != before[0]) or name in UNSEEN
    assert after == [made_anew(api, path) for path in (PAGE, *others)]


def test_another_model_is_on_the_next_page(api, model_folder):
    first = shown(api)
    with second_version(model_folder) as second:
        registry.activate(second.name, "for the test")
        after = shown(api)
        assert (first["model_version"], after["model_version"]) == ("tiny", "second")
        registry.rollback("for the test")
        assert shown(api)["model_version"] == "tiny"


def test_what_is_popular_for_the_model_is_true_on_the_next_page(api):
    shown(api)
    assert queries_of(api) == 0
    popularity_counts.refresh()
    process_state.clear()
    shown(api)  # of the new counts
    assert queries_of(api) == 0


def test_a_process_with_older_charts_takes_the_page_of_one_with_newer_ones(api, site, editor):
    shown(api)
    older = dict(charts._cached)
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        everybody_watches_crime(site, editor)
        newer = shown(api)
        charts._cached.clear()
        charts._cached.update({name: chart._replace(until=float("inf")) for name, chart in older.items()})

        assert queries_of(api) == 0
        assert shown(api) == newer


def test_the_clock_alone_changes_pages(api, site, editor):
    """A window that opens and one that closes, a rule that begins, a started film that is long ago, a liked one too."""
    now = timezone.now().replace(microsecond=0)
    opens, closes = (Movie.objects.get(pk=INVENTED["Sci-Fi"][n]) for n in (0, 1))
    opens.available_from, closes.available_until = now + timedelta(hours=1), now + timedelta(hours=2)
    save_record(opens)
    save_record(closes)
    begins = now + timedelta(hours=3)
    rule_is_made(
        action="exclude",
        movie=INVENTED["Sci-Fi"][2],
        starts_at_0=f"{begins:%Y-%m-%d}",
        starts_at_1=f"{begins:%H:%M:%S}",
    )(site, editor)
    happens("watch", INVENTED["Sci-Fi"][3], now - timedelta(days=59), completion=0.3)(site, editor)
    happens("watch", STAR_WARS, now - timedelta(days=170), completion=1.0)(site, editor)
    found = {}
    for moment in (timedelta(), *(timedelta(hours=hours, seconds=1) for hours in (1, 2, 3, 25, 24 * 10 + 1))):
        with time_machine.travel(now + moment):
            found[moment] = page = shown(api)
            assert queries_of(api) == 0, moment
            assert page == made_anew(api), moment
    listed = [set(films(page)) for page in found.values()]
    rows = [
        {row["kind"]: {film["movie_id"] for film in row["films"]} for row in page["rows"]} for page in found.values()
    ]
    assert [str(opens.pk) in page for page in listed][:3] == [False, True, True]
    assert [str(closes.pk) in page for page in listed][:3] == [True, True, False]
    assert [str(INVENTED["Sci-Fi"][2]) in page for page in listed][2:4] == [True, False]
    assert ["continue_watching" in page for page in rows] == [True] * 4 + [False] * 2
    assert [str(STAR_WARS) in page.get("watch_again", ()) for page in rows] == [False] * 5 + [True]


def test_a_page_made_while_an_event_came_in_is_never_served(api, site, monkeypatch):
    build = stored.PageStamps.store
    watched = str(INVENTED["Sci-Fi"][0])

    def slow(self, *args):
        monkeypatch.undo()
        happens("watch", watched)(site, None)
        build(self, *args)

    monkeypatch.setattr(stored.PageStamps, "store", slow)
    assert watched in films(shown(api)), "it answers a read that began before the event"
    assert watched not in films(shown(api))


def test_versions_that_were_evicted_are_no_proof(api, site):
    first = shown(api)
    happens("watch", films(first)[0])(site, None)
    caches["lists"].delete(f"viewer:{ADA}:version")
    assert films(first)[0] not in films(shown(api))
    for name in ("model", "epoch", "catalogue", f"viewer:{ADA}:version"):
        shown(api)
        caches["lists"].delete(name)
        assert shown(api) == made_anew(api)


def test_foreign_values_in_the_place_of_a_page_are_no_page(api):
    first = shown(api)
    [name] = list(caches["lists"].keys("*home:*"))
    whole = caches["lists"].get(name)
    for value in (b"", b"mrh", b"mrl\x00" + whole[4:], b"mrh\x00\xff" + whole[5:], 7):
        caches["lists"].set(name, value)
        assert shown(api) == first


def test_everybody_of_an_age_in_a_country_with_a_language_shares_a_page(api, django_assert_num_queries):
    Movie.objects.filter(pk__in=INVENTED["Crime"]).update(certificate="PG-13")
    bump_epoch()
    process_state.clear()
    first = shown(api, "/home?age_limit=14&country=DE&language=de")
    for same in ("age_limit=16&country=DE&language=de", "age_limit=13&country=DE&language=de"):
        with django_assert_num_queries(0):
            again = shown(api, f"/home?{same}")
        assert again["rows"] == first["rows"]
    shown(api, "/home?age_limit=12&country=DE&language=de")
    assert len(list(caches["lists"].keys("*home:*"))) == 2


def test_an_unknown_viewer_gets_the_page_of_everybody_until_their_first_event(api, site):
    everybody = shown(api, "/home?rows=20")
    path = f"/home?user_id={EVE}&rows=20"

    assert queries_of(api, path) == 1, "whether they are known by now"
    page = shown(api, path)
    assert (page["user_id"], page["is_known_user"]) == (EVE, False)
    assert [row["films"] for row in page["rows"]] == [row["films"] for row in everybody["rows"]]
    site.post("/events", {"user_id": EVE, "movie_id": films(page)[0], "kind": "watch"})
    assert films(page)[0] not in films(shown(api, path))


def test_what_is_kept_of_pages_is_bounded_and_erased(api, site):
    for rows in range(1, 15):
        shown(api, f"/home?user_id={ADA}&rows={rows}")
    kept = list(caches["lists"].keys(f"viewer:{ADA}:home:*"))
    assert 1 <= len(kept) <= 4
    assert max(len(caches["lists"].get(name)) for name in kept) < 4_000

    site.delete(f"/users/{ADA}/data")

    assert not list(caches["lists"].keys(f"viewer:{ADA}:home:*"))
    assert not shown(api)["is_known_user"]


@pytest.mark.parametrize("what", ["at=2024-04-01", f"exclude={JEDI}"])
def test_a_page_that_is_asked_for_once_is_not_stored(api, what):
    shown(api, f"/home?user_id={ADA}&{what}")
    assert not list(caches["lists"].keys("*home:*"))


def test_pages_read_while_all_is_changed_are_of_one_state(api, site, client_with):
    """Readers of two pages beside a writer: no page shows a film that was watched or hidden before the read began."""
    gone: dict[str, set[str]] = {PAGE: set(), "/home?rows=20": set()}
    done, errors = threading.Event(), []
    candidates = [str(film) for film in (*INVENTED["Sci-Fi"][:10], *INVENTED["Crime"][:10])]

    def read(path):
        client = client_with("recommend:read")
        try:
            while not done.is_set():
                barred = set(gone[path])
                page = client.get(path)
                if wrong := barred & set(films(page)):
                    errors.append((path, wrong))
        finally:
            connection.close()

    readers = [threading.Thread(target=read, args=(path,)) for path in gone for _ in range(2)]
    for reader in readers:
        reader.start()
    for watched, hidden in zip(candidates[::2], candidates[1::2], strict=True):
        site.post("/events", {"user_id": ADA, "movie_id": watched, "kind": "watch"})
        gone[PAGE].add(watched)
        publish_movies([int(hidden)], False)
        for path in gone:
            gone[path].add(hidden)
    done.set()
    for reader in readers:
        reader.join()
    assert not errors
    for path in gone:
        assert shown(api, path) == made_anew(api, path)


def test_a_page_is_as_old_as_the_viewer_who_has_its_key(api, site):
    """A viewer with a text for a key is erased and comes back under it."""
    path = "/home?user_id=zoe%40example.org&rows=20"
    for movie in INVENTED["Sci-Fi"][:3]:
        site.post("/events", {"user_id": "zoe@example.org", "movie_id": str(movie), "kind": "watch"})
    first = shown(api, path)
    assert (queries_of(api, path), first["is_known_user"], first["user_id"]) == (0, True, "zoe@example.org")
    site.delete("/users/zoe@example.org/data")
    assert not shown(api, path)["is_known_user"]
    site.post("/events", {"user_id": "zoe@example.org", "movie_id": str(INVENTED["Crime"][0]), "kind": "watch"})
    later = MORNING + timedelta(days=1)
    assert later < timezone.now()
    assert shown(api, path) == made_anew(api, path)
