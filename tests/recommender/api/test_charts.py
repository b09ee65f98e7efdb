"""GET /popular, /trending and /latest."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from catalog.dataset import EVENTS, GENRES, MOVIES, RATING, Dataset, to_frame
from catalog.loading import load_dataset
from catalog.models import Movie, Viewer, WatchEvent
from catalog.services import bump_epoch, publish_movies, record_events
from recommender import cache, tasks
from tests.support.api import recommended_ids
from tests.support.cast import (
    ADA,
    AMELIE,
    BEN,
    EVE,
    GODFATHER,
    JEDI,
    MATRIX,
    MORNING,
    NEMO,
    RAIDERS,
    SPIRITED_AWAY,
    TOY_STORY,
    watch_event,
)
from tests.support.tiny_model import INVENTED, TINY_MODEL, UNKNOWN_TO_MODEL, clear_caches

pytestmark = pytest.mark.usefixtures("model")
CHARTS = ("popular", "trending", "latest")
OLD, NEW = INVENTED["Crime"][0], INVENTED["Sci-Fi"][0]


@pytest.fixture
def ended_years_ago():
    """Data that ends in 2015: for a year OLD was watched daily by somebody; in the last week NEW was as well."""
    WatchEvent.objects.all().delete()
    end = datetime(2015, 3, 1, tzinfo=UTC)
    events = [watch_event(1000 + day, OLD, end - timedelta(days=day)) for day in range(365)]
    events += [watch_event(2000 + hour, NEW, end - timedelta(hours=4 * hour)) for hour in range(42)]
    record_events(events)
    clear_caches()


@pytest.fixture
def weeks_later():
    """New viewers have watched some films of the cast more than ever."""
    events = [
        watch_event(5000 + n, movie, MORNING + timedelta(days=40))
        for movie in (TOY_STORY, MATRIX, GODFATHER)
        for n in range(3)
    ]
    record_events(events)
    clear_caches()


def test_popular_films_come_most_watched_first(api):
    body = api.get("/popular?top_k=200&titles=true")

    assert (body["source"], body["model_version"], len(recommended_ids(body))) == ("popular", None, 77)
    assert recommended_ids(body)[0] == str(SPIRITED_AWAY), "one viewer each, and Dan watched it last"
    assert body["recommendations"][0]["title"] == "Spirited Away"
    assert recommended_ids(body)[-1] != str(UNKNOWN_TO_MODEL), "films without a watch stand last, the newest first"


def test_movies_watched_more_than_usual_trend_where_the_data_ends(api, ended_years_ago):
    assert recommended_ids(api.get("/popular"))[0] == str(OLD)

    body = api.get("/trending")

    assert (body["source"], recommended_ids(body)) == ("trending", [str(NEW)]), (
        "OLD is watched as ever, the others not at all"
    )
    assert body["recommendations"][0]["score"] == 1


def test_a_few_watches_of_today_do_not_hide_the_trend_of_the_data(api, ended_years_ago):
    record_events([watch_event(EVE, NEMO, timezone.now()), watch_event(ADA, NEMO, timezone.now())])

    assert recommended_ids(api.get("/trending")) == [str(NEW), str(NEMO)]


# Who may move a chart ------------------------------------------------------------------------------------------------

OBSCURE = INVENTED["Crime"][7]
ROBOTS = 70_000  # the first of their ids


@pytest.fixture
def imported():
    """A site that began with ratings of five years, which ended in 2015: forty viewers, five films each, loaded by its
    operator. The favourites are the first films of each taste."""
    Viewer.objects.all().delete()
    favourites = [movie for movies in INVENTED.values() for movie in movies[:4]]
    started = int(datetime(2010, 1, 1, tzinfo=UTC).timestamp())
    rows = [
        (viewer, movie, RATING, 4.0, None, started + 86_400 * (50 * (viewer - 20_000) + day))
        for viewer in range(20_000, 20_040)
        for day, movie in enumerate(favourites[:5] if viewer % 4 else favourites[5:10])
    ]
    load_dataset(
        Dataset(
            name="imported",
            movies=to_frame(list(Movie.objects.values("id", "title")), MOVIES),
            genres=to_frame(list(Movie.objects.values_list("id", "genres__name").filter(genres__name__gt="")), GENRES),
            events=[to_frame(rows, EVENTS)],
            expected_events=len(rows),
        )
    )
    clear_caches()
    return [str(movie) for movie in favourites[:5]]


def counted_anew(api, chart="popular"):
    """As beat leaves the charts ten minutes later."""
    tasks.refresh_charts()
    clear_caches()
    return recommended_ids(api.get(f"/{chart}?top_k=200"))


def send(client, *events):
    for start in range(0, len(events), 500):
        client.post("/events", {"events": events[start : start + 500]})


def test_a_viewer_counts_once_however_often_they_watch(api, client_with, imported):
    before = counted_anew(api)
    sixty = [moment.isoformat() for n in range(60) if (moment := timezone.now() - timedelta(minutes=n))]
    for viewer in (EVE, 20_001):  # a stranger and one of the imported viewers
        send(
            client_with("events:write"),
            *({"user_id": viewer, "movie_id": str(OBSCURE), "kind": "watch", "occurred_at": at} for at in sixty),
        )

    after = counted_anew(api)

    assert after[:5] == before[:5]
    assert set(imported) == set(after[:5])
    assert str(OBSCURE) not in counted_anew(api, "trending")


def test_the_first_hour_of_a_site_keeps_imported_history_in_the_charts(api, client_with, imported):
    """A hundred watches of new viewers and thirty of old ones, all over the catalogue."""
    send(
        client_with("events:write"),
        *({"user_id": 60_000 + n, "movie_id": str(INVENTED["Sci-Fi"][n % 20]), "kind": "watch"} for n in range(100)),
        *({"user_id": 20_000 + n, "movie_id": str(INVENTED["Crime"][n % 20]), "kind": "watch"} for n in range(30)),
    )

    assert set(counted_anew(api)[:5]) == set(imported)


@pytest.mark.parametrize("films_each", [1, 4])
def test_robots_do_not_make_a_film(api, client_with, imported, admin_client, films_each):
    """Five hundred fresh viewers through one key, some with made-up pasts: they do not count, and staff see them."""
    now = timezone.now()
    send(
        client_with("events:write"),
        *(
            {
                "user_id": ROBOTS + n,
                "movie_id": str(OBSCURE if m == 0 else INVENTED["Sci-Fi"][(n + m) % 20]),
                "kind": "watch",
                "occurred_at": (now - timedelta(days=n % 400)).isoformat(),
            }
            for n in range(500)
            for m in range(films_each)
        ),
    )

    assert set(counted_anew(api)[:5]) == set(imported)
    assert str(OBSCURE) not in counted_anew(api, "trending")
    page = admin_client.get("/admin/")
    [tile] = [item for _, tiles in page.context["questions"] for item in tiles if item.label == "New viewers, last day"]
    assert (tile.value, tile.state) == ("500", "warn")
    assert f"500 of them watched {Movie.objects.get(id=OBSCURE).title}" in tile.message


def test_patient_robots_are_bounded_by_rate(api, client_with, imported):
    """The same five hundred four days later: together they weigh like a few viewers."""
    films_of = [OBSCURE, *INVENTED["Sci-Fi"][:3]]
    send(
        client_with("events:write"),
        *({"user_id": ROBOTS + n, "movie_id": str(movie), "kind": "watch"} for n in range(500) for movie in films_of),
    )
    Viewer.objects.filter(id__gte=ROBOTS).update(created_at=timezone.now() - timedelta(days=4))

    assert set(counted_anew(api)[:5]) == set(imported)


def test_an_honest_rise_still_shows(api, client_with, imported):
    """Thirty viewers whom the site has known watch a film that nobody had watched."""
    send(
        client_with("events:write"),
        *({"user_id": 20_000 + n, "movie_id": str(OBSCURE), "kind": "watch"} for n in range(30)),
    )

    assert counted_anew(api, "trending")[0] == str(OBSCURE)


def test_rows_that_the_operator_imports_count_at_once(api, imported, tmp_path, model):
    """Unlike those of a client: whoever may load the database vouches for the times in it."""
    lines = [f"{80_000 + n},{movie},watch,2014-05-01T10:00:00Z" for n in range(50) for movie in INVENTED["Sci-Fi"][5:9]]
    (tmp_path / "events.csv").write_text("\n".join(["user_id,movie_id,kind,occurred_at", *lines]))
    call_command("import_rows", "events", str(tmp_path / "events.csv"), stdout=io.StringIO())

    assert {str(movie) for movie in INVENTED["Sci-Fi"][5:9]} <= set(counted_anew(api)[:5])


def test_nothing_trends_where_nothing_is_watched(api):
    WatchEvent.objects.all().delete()

    body = api.get("/trending")

    assert (recommended_ids(body), body["reason"][:12]) == ([], "No film that")
    assert len(recommended_ids(api.get("/popular"))) == len(recommended_ids(api.get("/latest"))) == 20


def test_beat_recounts_and_the_next_process_reads_its_counts(api, ended_years_ago, django_assert_num_queries):
    assert tasks.refresh_charts() == {"popular": 2, "trending": 1}

    with django_assert_num_queries(3):  # revision, model, catalogue: nothing is counted
        assert recommended_ids(api.get("/trending")) == [str(NEW)]
    with django_assert_num_queries(0):
        api.get("/popular?top_k=5&genres=Crime")
        api.get("/latest?top_k=5")


def test_an_import_makes_the_stored_charts_void(api, ended_years_ago):
    tasks.refresh_charts()
    WatchEvent.objects.filter(movie_id=NEW).delete()
    record_events([watch_event(3000 + n, RAIDERS, datetime(2015, 3, 1, n, tzinfo=UTC)) for n in range(20)])
    bump_epoch()

    assert recommended_ids(api.get("/trending")) == [str(RAIDERS)]


def test_the_latest_film_is_the_one_that_could_be_watched_last(api):
    """By the day it came here, whatever its year; those that came together by their years."""
    today = timezone.now()
    Movie.objects.update(added_at=today - timedelta(days=400))
    Movie.objects.filter(id=GODFATHER).update(added_at=today - timedelta(days=2))
    Movie.objects.filter(id=JEDI).update(available_from=today - timedelta(days=1))
    Movie.objects.filter(id=AMELIE).update(available_from=today + timedelta(days=1))
    publish_movies([NEMO], False)

    listed = recommended_ids(api.get("/latest?top_k=200"))

    assert listed[:3] == [str(JEDI), str(GODFATHER), str(UNKNOWN_TO_MODEL)]
    assert not {str(AMELIE), str(NEMO)} & set(listed), "not open yet, not published"


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_takes_the_filters(api, weeks_later, chart):
    body = api.get(f"/{chart}?genres=crime&genres=Children&max_year=1996&titles=true&top_k=200")

    assert body["recommendations"]
    assert all({"Crime", "Children"} & set(movie["genres"]) for movie in body["recommendations"])
    assert all(movie["year"] <= 1996 for movie in body["recommendations"])
    assert body["filters_applied"] == {"genres": ["crime", "Children"], "max_year": 1996}


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_omits_seen_and_excluded_movies(api, weeks_later, chart):
    whole = recommended_ids(api.get(f"/{chart}?top_k=200"))
    assert {str(TOY_STORY), str(MATRIX)} <= set(whole)

    body = api.get(f"/{chart}?top_k=200&user_id={BEN}&exclude={MATRIX}")

    assert (body["user_id"], body["is_known_user"], body["removed"]["seen"]) == (BEN, True, 3)
    assert recommended_ids(body) == [
        item for item in whole if item not in (str(TOY_STORY), "3114", str(NEMO), str(MATRIX))
    ]


def test_trending_for_you_mixes_the_trend_with_the_models_ranking(api):
    risen = [*INVENTED["Crime"][:5], *INVENTED["Sci-Fi"][:5], UNKNOWN_TO_MODEL]  # Ada watches space adventures
    later = MORNING + timedelta(days=20)
    for n, movie in enumerate(risen):
        record_events([watch_event(4000 + 100 * n + m, movie, later) for m in range(30 - n)])
    clear_caches()
    trend = recommended_ids(api.get(f"/trending?user_id={ADA}&top_k=11"))
    model = [item for item in recommended_ids(api.get(f"/recommend?user_id={ADA}&top_k=200")) if item in trend]

    body = api.get(f"/trending?user_id={ADA}&personal=true&top_k=11")

    assert (body["source"], body["model_version"], trend) == (
        "trending_for_you",
        TINY_MODEL,
        [str(movie) for movie in risen],
    )
    by_hand = {movie: (61 / (61 + trend.index(movie)) + 61 / (61 + model.index(movie))) / 2 for movie in trend}
    scores = {item["movie_id"]: item["score"] for item in body["recommendations"]}
    assert scores == pytest.approx(by_hand, abs=1e-4)
    assert recommended_ids(body) == sorted(trend, key=lambda movie: -by_hand[movie]) != trend


@pytest.mark.parametrize("whose", ["", f"user_id={EVE}&"])
def test_unknown_viewers_get_the_plain_trend(api, whose):
    body = api.get(f"/trending?{whose}personal=true")

    assert (body["source"], body["is_known_user"]) == ("trending", False)
    assert recommended_ids(body) == recommended_ids(api.get("/trending"))


def test_a_filter_that_nothing_satisfies_gives_the_reason(api):
    body = api.get("/latest?genres=No+Such")

    assert (recommended_ids(body), body["reason"]) == ([], "The catalogue has none of the genres: No Such.")
    assert body["unknown_names"] == {"genres": ["No Such"]}


def test_the_cache_holds_both_counted_charts(model):
    tasks.refresh_charts()

    assert {cache.read_chart(name).epoch for name in ("popular", "trending")} == {
        cache.read_list_and_versions(ADA)[0].epoch or 1
    }
