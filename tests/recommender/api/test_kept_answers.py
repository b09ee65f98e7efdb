"""An answer that comes a second time from a process's memory is the answer that would be made, and is counted and
recorded like any other."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import numpy as np
import pytest
import time_machine
from django.core.cache import caches
from django.utils import timezone

from catalog import selectors
from catalog.models import Movie
from catalog.services import bump_epoch, delete_movies, publish_movies, save_record
from recommender import cache, process_state, receivers, registry, tasks, viewer_keys
from recommender.api.http import kept_answers
from recommender.cache import TextVectors, WatchCounts
from recommender.experiments import assignment
from recommender.models import ApiKey, Experiment, ServedList
from recommender.monitoring import probe
from recommender.movies import popularity_counts, text_vectors
from recommender.registry import watcher
from recommender.serving import context
from tests.support.api import app_client, recommended_ids
from tests.support.cast import ADA, BEN, CLEO, TOY_STORY
from tests.support.forms import edit
from tests.support.tiny_model import INVENTED, second_version

pytestmark = pytest.mark.usefixtures("model")
PATH = f"/recommend?user_id={ADA}&top_k=8"
EXPLAINED = f"{PATH}&explain=true&language=de"
VARYING = {"recommendation_id", "next", "source", "made_at"}  # new each time, or how the list came about


def listed(client, path=PATH):
    """Return an answer without the ids that are new each time, and without what says how it came about."""
    body = client.get(path)
    return {name: value for name, value in body.items() if name not in VARYING}


def kept(client, path=PATH):
    """Ask until the answer is kept, and return it."""
    for _ in range(3):
        body = listed(client, path)
    assert any(question.path == path.partition("?")[0] for question in kept_answers._answers)
    return body


def made_anew(client, path=PATH):
    caches["lists"].delete_pattern("viewer:*:list:*")
    process_state.clear()
    return listed(client, path)


def test_it_is_the_same_list_under_an_id_of_its_own_that_is_recorded(site):
    answers = [site.get(PATH) for _ in range(5)]
    tasks.store_served_lists()
    assert {tuple(recommended_ids(answer)) for answer in answers} == {tuple(recommended_ids(answers[0]))}
    assert {row.pk.hex for row in ServedList.objects.all()} == {answer["recommendation_id"] for answer in answers}
    told = [site.get(f"/recommendations/{answer['recommendation_id']}") for answer in answers[1:]]
    for one in told:
        one.pop("recommendation_id"), one.pop("served_at")
    assert told == [told[0]] * 4
    assert answers[4]["next"]
    assert site.get(f"{PATH}&cursor={answers[4]['next']}")["recommendations"]


def test_it_asks_no_database_and_redis_once(site, django_assert_num_queries, monkeypatch):
    kept(site)
    exchanges = []
    run = cache.connection.redis_connection.run
    monkeypatch.setattr(cache.connection.redis_connection, "run", lambda *all: exchanges.append(all) or run(*all))
    with django_assert_num_queries(0):
        listed(site)
    assert len([commands for commands in exchanges if commands[-1][0] == "MGET"]) == len(exchanges) == 1


def happens(kind):
    def change(site, editor):
        site.post("/events", {"user_id": ADA, "movie_id": recommended_ids(site.get(PATH))[0], "kind": kind})

    return change


def film_changes(**values):
    def change(site, editor):
        movie = Movie.objects.get(pk=int(recommended_ids(site.get(PATH))[0]))
        for name, value in values.items():
            setattr(movie, name, value)
        save_record(movie)

    return change


def first_films(site):
    return [int(movie) for movie in recommended_ids(site.get(PATH))[:2]]


CHANGES = {
    "watch": happens("watch"),
    "dislike": happens("dislike"),
    "hidden": lambda site, editor: publish_movies(first_films(site), False),
    "deleted": lambda site, editor: delete_movies(first_films(site)),
    "window": film_changes(available_until=datetime(2020, 1, 1, tzinfo=UTC)),
    "age limit": lambda site, editor: edit(editor, "viewer", ADA, age_limit=3),
    "merge": lambda site, editor: site.post("/users/merge", {"from_user_id": CLEO, "into_user_id": ADA}),
    "erasure": lambda site, editor: site.delete(f"/users/{ADA}/data"),
    "import": lambda site, editor: bump_epoch(),
}


@pytest.mark.parametrize("path", [PATH, EXPLAINED])
@pytest.mark.parametrize("name", CHANGES)
def test_whatever_changes_is_true_on_the_next_read(site, editor, name, path):
    before = kept(site, path)
    CHANGES[name](site, editor)
    after = listed(site, path)
    assert after != before or name == "import"
    assert after == made_anew(site, path)


def test_explanations_are_kept_until_a_film_that_they_name_has_another_title(site, django_assert_num_queries):
    before = kept(site, EXPLAINED)
    with django_assert_num_queries(0):
        assert listed(site, EXPLAINED) == before
    cause = next(cause for movie in before["recommendations"] for cause in movie["because"])
    site.patch(f"/movies/{cause['movie_id']}", {"translations": {"de": {"title": "Auf Deutsch"}}})
    after = listed(site, EXPLAINED)
    assert "Auf Deutsch" in {cause["title"] for movie in after["recommendations"] for cause in movie["because"]}
    assert after == made_anew(site, EXPLAINED)


def test_explanations_are_made_anew_at_other_counts(site):
    kept(site, EXPLAINED)
    [answer] = [answer for question, answer in kept_answers._answers.items() if "explain" in question.query]
    assert answer.basis.inputs_stand()
    cache.store_watch_counts(WatchCounts(0, 1, np.array([int(TOY_STORY)], np.int32), np.ones((1, 6), np.float32)))
    popularity_counts._local.reset()  # a process looks again after some minutes
    assert not answer.basis.inputs_stand()
    assert listed(site, EXPLAINED) == made_anew(site, EXPLAINED)


def test_another_model_answers_at_once(site, model_folder):
    assert kept(site)["model_version"] == "tiny"
    with second_version(model_folder) as second:
        registry.activate(second.name, "for the test")
        assert listed(site)["model_version"] == "second"
        registry.rollback("for the test")
        assert listed(site)["model_version"] == "tiny"


def test_they_make_room_before_the_next_model_is_loaded(site, model_folder):
    before = kept(site)
    with second_version(model_folder) as second:
        registry.get_or_load(second.name)  # as the watcher does once it is announced
        assert not kept_answers._answers
        assert not kept_answers._total.current
        assert kept(site) == before


def test_a_window_that_ends_takes_the_film_out(site):
    [film, _] = first_films(site)
    movie = Movie.objects.get(pk=film)
    movie.available_until = timezone.now() + timedelta(hours=1)
    save_record(movie)
    assert str(film) in {entry["movie_id"] for entry in kept(site)["recommendations"]}
    with time_machine.travel(timezone.now() + timedelta(hours=1, seconds=1)):
        assert str(film) not in recommended_ids(site.get(PATH))


def test_an_experiment_that_begins_is_in_the_next_answer(site, monkeypatch):
    kept(site)
    shipped = {Experiment.Surface.LISTS: assignment.Assignment(0, 0.9)}
    monkeypatch.setattr(assignment._state, "current", assignment._state.current._replace(shipped=shipped))
    assert listed(site)["recommendations"] == site.get(f"{PATH}&diversity=0.9")["recommendations"]


def test_nobody_gets_what_was_kept_for_another(site, client_with):
    path = "/recommend?top_k=8"
    apps = [app_client(viewer, client_with) for viewer in (ADA, BEN)]
    answers = [kept(app, path) for app in apps]
    assert [answer["user_id"] for answer in answers] == [ADA, BEN]
    apps[0].get(f"/recommend?user_id={BEN}&top_k=8", expect=403)
    client_with(ApiKey.Scope.EVENTS).get(PATH, expect=403)
    apps[0].get(path, expect=200)
    site.client.get(PATH, RAW_URI=PATH)
    stranger = type(site)()
    stranger.get(PATH, expect=401)


def test_a_client_that_has_it_is_told_so_and_each_call_counts(site):
    kept(site)
    response = site.response
    site.client.get(PATH, headers={"If-None-Match": response.headers["ETag"]}, RAW_URI=PATH)
    again = site.client.get(PATH, headers={"If-None-Match": response.headers["ETag"]}, RAW_URI=PATH)
    assert (again.status_code, again.content) == (304, b"")
    site.get(PATH)
    same = ("ETag", "Cache-Control", "Vary", "Content-Type", "Allow", "Content-Security-Policy")
    assert [site.response.headers[name] for name in same] == [response.headers[name] for name in same]
    left = [int(r.headers["RateLimit"].split("r=")[1].split(";")[0]) for r in (response, site.response)]
    assert left[0] - left[1] == 3
    tasks.store_served_lists()
    assert ServedList.objects.count() == 4, "304 is no list"


def test_what_is_kept_is_bounded(site, monkeypatch):
    monkeypatch.setattr(kept_answers, "MAX_BYTES", 12_000)
    for length in range(1, 12):
        kept(site, f"/recommend?user_id={ADA}&top_k={length}")
    sizes = [answer.size for answer in kept_answers._answers.values()]
    assert 1 < len(sizes) < 11
    assert sum(sizes) == kept_answers._total.current <= 12_000


def test_a_home_page_takes_a_fraction_of_its_bytes(site):
    path = f"/home?user_id={ADA}"
    kept(site, path)
    [answer] = [answer for question, answer in kept_answers._answers.items() if question.path == "/home"]
    assert answer.size - kept_answers.OVERHEAD < len(site.response.content) / 2


def test_what_is_computed_each_time_is_not_kept(site):
    for _ in range(3):
        site.get(f"/recommend?user_id={ADA}&at=2024-04-01T00:00:00Z")
    assert not kept_answers._answers


def test_a_film_that_is_new_in_the_catalogue_is_told_of(site):
    kept(site)
    publish_movies(INVENTED["Sci-Fi"][:1], False)
    assert listed(site) == made_anew(site)


def in_memory(viewer_id):
    """Name where this process holds something of a viewer."""
    found = {
        "answers": [question for question, kept in kept_answers._answers.items() if kept.tried_on[0] == viewer_id],
        "histories": [key for key in context._histories._values if key[0] == viewer_id],
        "keys": [key for key, known in viewer_keys._remembered.items() if known == viewer_id],
        "probe": [viewer for viewer in (probe._target.viewers if probe._target else ()) if viewer == viewer_id],
    }
    return {name for name, values in found.items() if values}


@pytest.fixture
def known_viewer(site, monkeypatch):
    """Have this process hold all that it can of a viewer; return the key and the id."""
    key = "zoe@example.org"
    site.post("/events", [{"user_id": key, "movie_id": film, "kind": "watch"} for film in ("260", "1196")])
    path = f"/recommend?user_id={quote(key)}&top_k=8"
    kept(site, path), kept(site)
    site.get(f"{path}&explain=true")
    [viewer_id] = selectors.find_viewers([key]).values()
    monkeypatch.setattr(probe, "_target", probe._Target("tiny", [ADA, viewer_id]))
    assert in_memory(viewer_id) == {"answers", "histories", "keys", "probe"}
    return quote(key), viewer_id


def test_nothing_of_an_erased_viewer_stays_in_memory(site, known_viewer):
    key, viewer_id = known_viewer
    site.delete(f"/users/{key}/data")
    assert in_memory(viewer_id) == set()
    assert in_memory(ADA) >= {"answers", "probe"}, "of others it stays"
    assert sum(answer.size for answer in kept_answers._answers.values()) == kept_answers._total.current


def test_other_processes_forget_an_erased_viewer_at_their_next_tick(site, known_viewer, monkeypatch):
    key, viewer_id = known_viewer
    receivers.forget_erased_viewers()  # as the watcher does once a second
    with monkeypatch.context() as another_process:
        another_process.setattr(process_state, "_forgetters", [])
        site.delete(f"/users/{key}/data")
    assert in_memory(viewer_id) == {"answers", "histories", "keys", "probe"}
    receivers.forget_erased_viewers()
    assert in_memory(viewer_id) == set()
    assert in_memory(ADA) >= {"answers", "probe"}


def test_the_watcher_of_a_web_process_asks_for_erasures():
    assert receivers.forget_erased_viewers in watcher.tick_callbacks()


def test_what_a_request_kept_that_had_begun_before_goes_with_the_sweep(site, known_viewer, monkeypatch):
    key, viewer_id = known_viewer
    with monkeypatch.context() as late:
        late.setattr(process_state, "_forgetters", [])
        site.delete(f"/users/{key}/data")
        receivers.forget_erased_viewers()
    assert in_memory(viewer_id) == {"answers", "histories", "keys", "probe"}
    tasks.finish_erasures()
    receivers.forget_erased_viewers()
    assert in_memory(viewer_id) == set()


SIMILAR = f"/similar/{TOY_STORY}?top_k=4"


def similar_ids(site):
    return [film["movie_id"] for film in site.get(SIMILAR)["similar"]]


def test_films_like_a_film_are_kept_for_everybody(site, client_with, django_assert_num_queries):
    before = kept(site, SIMILAR)
    with django_assert_num_queries(0):
        again = site.get(SIMILAR)
    tasks.store_served_lists()
    assert {name: value for name, value in again.items() if name not in VARYING} == {
        name: value for name, value in before.items() if name not in VARYING
    }
    assert ServedList.objects.filter(pk=again["recommendation_id"]).exists()
    assert site.response.headers["Cache-Control"].startswith("public")
    assert site.get(f"{SIMILAR}&cursor={again['next']}")["similar"]
    app = app_client(ADA, client_with)
    for _ in range(3):
        app.get(f"/similar/{TOY_STORY}?top_k=5")
    assert not any(question.query == "top_k=5" for question in kept_answers._answers), "a viewer's own is not kept"


def hides_the_first(site):
    publish_movies([int(similar_ids(site)[0])], False)


def bumps_the_epoch(site):
    bump_epoch()


def has_other_texts(site):
    ids = np.sort(np.array([TOY_STORY, int(similar_ids(site)[-1])], np.int32))
    vectors = TextVectors(selectors.data_set(), 7, ids, np.ones(2, np.uint32), np.full((2, 48), 18, np.int8))
    cache.store_text_vectors(vectors)
    text_vectors.adopt(vectors)


@pytest.mark.parametrize("change", [hides_the_first, has_other_texts, bumps_the_epoch])
def test_whatever_changes_is_true_of_films_like_a_film(site, change):
    before = kept(site, SIMILAR)
    change(site)
    after = listed(site, SIMILAR)
    assert after != before or change is bumps_the_epoch
    process_state.clear()
    assert after == listed(site, SIMILAR)


def test_a_film_that_is_gone_is_no_longer_answered_for(site):
    kept(site, SIMILAR)
    delete_movies([TOY_STORY])
    site.get(SIMILAR, expect=404)
