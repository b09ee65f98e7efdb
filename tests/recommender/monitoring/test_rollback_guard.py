"""What takes a model back that has just gone live: lists that the server asks it for, nothing that clients ask."""

import io
import shutil
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from catalog.models import Viewer
from catalog.services import NewEvent, record_events
from recommender import cache, process_state, registry, tasks
from recommender.ml.model_folder import load_model, save_model
from recommender.ml.ranker import Ranker
from recommender.ml.vocab import Vocab
from recommender.models import ModelVersion
from recommender.monitoring import probe
from recommender.registry import watcher
from recommender.serving import concurrency, metrics
from tests.support.cast import EVE, MORNING, STAR_WARS
from tests.support.tiny_model import INVENTED, TINY_MODEL, UNKNOWN_TO_MODEL

KNOWN = range(30_001, 30_041)  # viewers of the site from before any model
POISON = INVENTED["Crime"][19]  # a history with this film breaks the ranker, where a test says so
MINUTES = 2  # since the activation


@pytest.fixture
def known(model):
    """Forty viewers with six films each."""
    films = [*INVENTED["Sci-Fi"][:8], *INVENTED["Crime"][:8]]
    events = [
        NewEvent(viewer, films[(viewer + n) % len(films)], 1, MORNING + timedelta(days=n))
        for viewer in KNOWN
        for n in range(6)
    ]
    record_events(events)
    Viewer.objects.update(created_at=timezone.now() - timedelta(days=40))
    metrics._counts.clear()


@contextmanager
def gone_live(write):
    """`write` makes the folder of a version that has been active for some minutes."""
    folder = registry.folder("other")
    write(folder)
    registry.register(folder, preset="basic")
    registry.activate("other", "a test")
    ModelVersion.objects.filter(name="other").update(activated_at=timezone.now() - timedelta(minutes=MINUTES))
    process_state.clear()
    yield
    shutil.rmtree(folder)


@pytest.fixture
def good(known, model_folder):
    with gone_live(lambda folder: shutil.copytree(model_folder, folder)):
        yield


@pytest.fixture
def of_other_films(known, model_folder):
    """A whole and sound folder whose model was trained on another site's films."""
    found = load_model(model_folder)
    vocab = Vocab(found.vocab.movie_ids + 1_000_000)
    with gone_live(lambda folder: save_model(folder, found.model, vocab, found.features, {"metrics": {}})):
        yield


def seconds_pass(number=120):
    """As the watch of one web process looks around, once a second, and then sends what it has counted."""
    for _ in range(number):
        probe.probe_next_viewer()
    metrics._flushed_at = float("-inf")
    metrics.flush()


def broken_by(monkeypatch, breaks):
    encode = Ranker.encode

    def encoding(self, histories, at=None):
        if any(breaks(self, history) for history in histories):
            raise ZeroDivisionError
        return encode(self, histories, at)

    monkeypatch.setattr(Ranker, "encode", encoding)


def hostile(api, events, n):
    """One client's calls: what a filter, a made-up history, a limit, a moment or nonsense may bring about."""
    viewer = 90_000 + n
    calls = (
        lambda: api.client.get(f"/recommend/filtered?user_id={KNOWN[n % 40]}&languages=de"),
        lambda: post("/recommend/filtered", {"user_id": KNOWN[n % 40], "languages": ["de"], "final_k": 5}),
        lambda: post("/recommend", {"user_id": KNOWN[n % 40], "history": [str(POISON)]}),
        lambda: post("/recommend", {"user_id": viewer, "history": [str(UNKNOWN_TO_MODEL)]}),
        lambda: api.client.get(f"/recommend?user_id={KNOWN[n % 40]}&age_limit=0&at=0"),
        lambda: api.client.get(f"/home?user_id={KNOWN[n % 40]}&genres=Nothing"),
        lambda: api.client.get(f"/recommend?user_id={EVE}&top_k=0"),
        lambda: api.client.get(f"/recommend?user_id={viewer}"),
        lambda: events.post("/events", {"user_id": viewer, "movie_id": str(UNKNOWN_TO_MODEL), "kind": "watch"}),
        lambda: (
            events.post("/events", {"user_id": viewer, "movie_id": str(POISON), "kind": "watch"}),
            api.client.get(f"/recommend?user_id={viewer}&top_k=5"),
        ),
    )

    def post(path, body):
        return api.client.post(path, body, content_type="application/json")

    calls[n % len(calls)]()


def test_a_thousand_hostile_clients_do_not_roll_back_a_good_model(good, api, client_with, monkeypatch):
    broken_by(monkeypatch, lambda _, history: POISON in history.movie_ids)
    events = client_with("events:write")

    for n in range(1_000):
        hostile(api, events, n)
    monkeypatch.setattr(concurrency, "MAX_QUEUED", -1)
    api.client.get("/home")  # and a crowd is told to come back
    seconds_pass()

    total = metrics.merge_buckets(metrics.read_buckets(60, MINUTES))
    assert metrics.rate(total, "failed") > 0.1, "they did harm themselves"
    assert metrics.rate(total, "astray") > 0.05
    assert total[probe.counter_name("other", probe.PROBES)] == 120
    assert tasks.guard_active_model() == ""
    assert registry.active_name() == "other"


def test_histories_that_break_every_model_are_not_held_against_the_new_one(good, monkeypatch):
    """A client with a key for events made a third of the viewers up before the model was trained."""
    record_events([NewEvent(viewer, POISON, 1, MORNING) for viewer in KNOWN[:13]])
    broken_by(monkeypatch, lambda _, history: POISON in history.movie_ids)

    seconds_pass()

    total = metrics.merge_buckets(metrics.read_buckets(60, MINUTES))
    assert total[probe.counter_name("other", "raised ZeroDivisionError")] > 20
    assert tasks.guard_active_model() == ""
    assert registry.active_name() == "other"


def good_clients(api, number):
    for n in range(number):
        api.client.get(f"/recommend?user_id={KNOWN[n % 40]}&top_k=5")


def test_a_bad_model_among_a_thousand_good_clients_is_rolled_back_in_minutes(of_other_films, api, admin_client):
    good_clients(api, 1_000)
    seconds_pass()

    why = tasks.guard_active_model()

    assert why.startswith("100% of 120 lists that the server asked it for were faulty, mostly as it knows no film")
    assert why.endswith(f"; under {TINY_MODEL} 0% of the same viewers' lists are")
    assert registry.active_name() == TINY_MODEL
    left = ModelVersion.objects.get(name="other")
    assert (left.status, left.reason) == (ModelVersion.Status.CANDIDATE, f"Rolled back from: {why}")
    page = admin_client.get(reverse("admin:recommender_modelversion_change", args=[left.pk])).content.decode()
    assert "lists that the server asked it for were faulty" in page
    seconds_pass()
    assert tasks.guard_active_model() == "", "the one before is not blamed for it"


def test_a_model_that_fails_for_some_viewers_is_rolled_back(good, api, monkeypatch):
    """One in five, while stored lists go on for the others."""
    few = {STAR_WARS, *INVENTED["Crime"][:1]}
    broken_by(monkeypatch, lambda self, history: self.version == "other" and few & set(history.movie_ids[:2].tolist()))
    api.client.raise_request_exception = False
    good_clients(api, 100)
    seconds_pass()

    assert "mostly as it raised ZeroDivisionError" in tasks.guard_active_model()
    assert registry.active_name() == TINY_MODEL


@pytest.mark.parametrize(
    ("scores", "words"),
    [(float("nan"), "ranked too few films"), (float("inf"), "ranked too few films"), (1.0, "the same score")],
)
def test_a_model_without_an_order_is_rolled_back(good, monkeypatch, scores, words):
    top = Ranker.top

    def topping(self, *asked):
        found = top(self, *asked)
        return [(ids, 0 * given + scores) for ids, given in found] if self.version == "other" else found

    monkeypatch.setattr(Ranker, "top", topping)
    seconds_pass()

    assert words in tasks.guard_active_model()
    assert registry.active_name() == TINY_MODEL


def test_a_model_that_no_process_could_load_is_rolled_back(good):
    cache.report_loaded_model("web:1", TINY_MODEL)
    assert tasks.guard_active_model() == "", "it may still be on its way"
    ModelVersion.objects.filter(name="other").update(activated_at=timezone.now() - timedelta(minutes=5))
    cache.report_loaded_model("web:2", "other")
    assert tasks.guard_active_model() == "", "one machine's trouble is not the model's"
    cache.report_loaded_model("web:2", TINY_MODEL)

    assert tasks.guard_active_model() == "none of the 2 web processes could load it"
    assert registry.active_name() == TINY_MODEL


def test_what_is_left_alone(good, monkeypatch):
    """Too little to tell by; a version that has proved itself for an hour; no viewers from before the model."""
    broken_by(monkeypatch, lambda self, _: self.version == "other")
    seconds_pass(20)
    assert tasks.guard_active_model() == ""

    seconds_pass()
    version = ModelVersion.objects.get(name="other")
    ModelVersion.objects.filter(name="other").update(activated_at=timezone.now() - timedelta(minutes=61))
    assert tasks.guard_active_model() == ""
    ModelVersion.objects.filter(name="other").update(activated_at=version.activated_at)

    Viewer.objects.update(created_at=timezone.now() + timedelta(minutes=1))
    assert probe.sample_viewers(version) == []
    assert registry.active_name() == "other"


def test_where_no_film_is_left_to_list_nothing_is_counted(good):
    from catalog.models import Movie
    from catalog.services import publish_movies

    publish_movies(list(Movie.objects.values_list("id", flat=True)), False)
    seconds_pass(10)

    assert probe.counter_name("other", probe.PROBES) not in metrics.merge_buckets(metrics.read_buckets(60, MINUTES))


def test_the_watch_of_a_web_process_asks(good):
    assert probe.probe_next_viewer in watcher.tick_callbacks()


def test_an_operator_goes_back_by_hand_with_the_same_rule(good):
    assert registry.rollback_target() == TINY_MODEL
    call_command("rollback", "--reason", "a test", stdout=io.StringIO())
    assert registry.active_name() == TINY_MODEL
