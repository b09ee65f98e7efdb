"""The rollback guard judges a model that has just gone live by the server's own probes, never by clients' requests."""

import io
import shutil
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from catalog.models import Movie, Viewer
from catalog.services import NewEvent, publish_movies, record_events
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

ESTABLISHED = range(30_001, 30_041)  # viewers with a history from before any model
POISON = INVENTED["Crime"][19]  # a history with this movie breaks the ranker in some tests
MINUTES = 2  # since the activation


@pytest.fixture
def established_viewers(model):
    """Create forty viewers with six movies each."""
    movies = [*INVENTED["Sci-Fi"][:8], *INVENTED["Crime"][:8]]
    events = [
        NewEvent(viewer, movies[(viewer + n) % len(movies)], 1, MORNING + timedelta(days=n))
        for viewer in ESTABLISHED
        for n in range(6)
    ]
    record_events(events)
    Viewer.objects.update(created_at=timezone.now() - timedelta(days=40))
    process_state.clear()


@contextmanager
def recently_activated(write_folder):
    """Activate a version some minutes ago, whose folder `write_folder` makes."""
    folder = registry.folder("other")
    write_folder(folder)
    registry.register(folder, preset="basic")
    registry.activate("other", "a test")
    ModelVersion.objects.filter(name="other").update(activated_at=timezone.now() - timedelta(minutes=MINUTES))
    process_state.clear()
    yield
    shutil.rmtree(folder)


@pytest.fixture
def good_model(established_viewers, model_folder):
    with recently_activated(lambda folder: shutil.copytree(model_folder, folder)):
        yield


@pytest.fixture
def foreign_model(established_viewers, model_folder):
    """Activate a loadable model that was trained on another site's movies."""
    loaded = load_model(model_folder)
    vocab = Vocab(loaded.vocab.movie_ids + 1_000_000)
    with recently_activated(lambda folder: save_model(folder, loaded.model, vocab, loaded.features, {"metrics": {}})):
        yield


def run_probes(count=120):
    """Probe as the watcher of one web process does each second, and flush its counters."""
    for _ in range(count):
        probe.probe_next_viewer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "FLUSH_SECONDS", 0)
        metrics.flush()


def break_ranker(monkeypatch, breaks):
    encode = Ranker.encode

    def encode_or_raise(self, histories, at=None):
        if any(breaks(self, history) for history in histories):
            raise ZeroDivisionError
        return encode(self, histories, at)

    monkeypatch.setattr(Ranker, "encode", encode_or_raise)


def send_hostile_call(api, events, n):
    """Send the n-th of ten calls with an odd filter, invented history, limit, time or nonsense."""
    viewer = 90_000 + n
    calls = (
        lambda: api.client.get(f"/recommend/filtered?user_id={ESTABLISHED[n % 40]}&languages=de"),
        lambda: post("/recommend/filtered", {"user_id": ESTABLISHED[n % 40], "languages": ["de"], "final_k": 5}),
        lambda: post("/recommend", {"user_id": ESTABLISHED[n % 40], "history": [str(POISON)]}),
        lambda: post("/recommend", {"user_id": viewer, "history": [str(UNKNOWN_TO_MODEL)]}),
        lambda: api.client.get(f"/recommend?user_id={ESTABLISHED[n % 40]}&age_limit=0&at=0"),
        lambda: api.client.get(f"/home?user_id={ESTABLISHED[n % 40]}&genres=Nothing"),
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


def test_a_thousand_hostile_clients_do_not_roll_back_a_good_model(good_model, api, client_with, monkeypatch):
    break_ranker(monkeypatch, lambda _, history: POISON in history.movie_ids)
    events = client_with("events:write")

    for n in range(1_000):
        send_hostile_call(api, events, n)
    monkeypatch.setattr(concurrency.COMPUTING, "slots", 0)
    api.client.get("/home")  # and an overloaded server answers with less
    run_probes()

    total = metrics.merge_buckets(metrics.read_buckets(60, MINUTES))
    assert metrics.rate(total, "failed") > 0.1, "they did harm themselves"
    assert metrics.rate(total, "astray") > 0.05
    assert total[probe.counter_name("other", probe.PROBES)] == 120
    assert tasks.guard_active_model() == ""
    assert registry.active_name() == "other"


def test_histories_that_break_every_model_do_not_count_against_the_new_one(good_model, monkeypatch):
    """A client with a key for events made a third of the viewers up before the model was trained."""
    record_events([NewEvent(viewer, POISON, 1, MORNING) for viewer in ESTABLISHED[:13]])
    break_ranker(monkeypatch, lambda _, history: POISON in history.movie_ids)

    run_probes()

    total = metrics.merge_buckets(metrics.read_buckets(60, MINUTES))
    assert total[probe.counter_name("other", "raised ZeroDivisionError")] > 20
    assert tasks.guard_active_model() == ""
    assert registry.active_name() == "other"


def send_good_calls(api, number):
    for n in range(number):
        api.client.get(f"/recommend?user_id={ESTABLISHED[n % 40]}&top_k=5")


def test_a_bad_model_among_a_thousand_good_clients_is_rolled_back_in_minutes(foreign_model, api, admin_client):
    send_good_calls(api, 1_000)
    run_probes()

    reason = tasks.guard_active_model()

    assert reason.startswith("100% of 120 lists that the server asked it for were faulty, mostly as it knows no film")
    assert reason.endswith(f"; under {TINY_MODEL} 0% of the same viewers' lists are")
    assert registry.active_name() == TINY_MODEL
    rejected = ModelVersion.objects.get(name="other")
    assert (rejected.status, rejected.reason) == (ModelVersion.Status.CANDIDATE, f"Rolled back from: {reason}")
    page = admin_client.get(reverse("admin:recommender_modelversion_change", args=[rejected.pk])).content.decode()
    assert "lists that the server asked it for were faulty" in page
    run_probes()
    assert tasks.guard_active_model() == "", "the one before is not blamed for it"


def test_a_model_that_fails_for_some_viewers_is_rolled_back(good_model, api, monkeypatch):
    """One viewer in five fails, while stored lists are served to the others."""
    some = {STAR_WARS, *INVENTED["Crime"][:1]}
    break_ranker(
        monkeypatch, lambda self, history: self.version == "other" and some & set(history.movie_ids[:2].tolist())
    )
    api.client.raise_request_exception = False
    send_good_calls(api, 100)
    run_probes()

    assert "mostly as it raised ZeroDivisionError" in tasks.guard_active_model()
    assert registry.active_name() == TINY_MODEL


@pytest.mark.parametrize(
    ("scores", "message"),
    [(float("nan"), "ranked too few films"), (float("inf"), "ranked too few films"), (1.0, "the same score")],
)
def test_a_model_without_a_ranking_is_rolled_back(good_model, monkeypatch, scores, message):
    top = Ranker.top

    def top_with_other_scores(self, *args):
        ranked = top(self, *args)
        return [(ids, 0 * old + scores) for ids, old in ranked] if self.version == "other" else ranked

    monkeypatch.setattr(Ranker, "top", top_with_other_scores)
    run_probes()

    assert message in tasks.guard_active_model()
    assert registry.active_name() == TINY_MODEL


def test_a_model_that_no_process_could_load_is_rolled_back(good_model):
    cache.report_loaded_model("web:1", TINY_MODEL)
    assert tasks.guard_active_model() == "", "it may still be on its way"
    ModelVersion.objects.filter(name="other").update(activated_at=timezone.now() - timedelta(minutes=5))
    cache.report_loaded_model("web:2", "other")
    assert tasks.guard_active_model() == "", "one machine's trouble is not the model's"
    cache.report_loaded_model("web:2", TINY_MODEL)

    assert tasks.guard_active_model() == "none of the 2 web processes could load it"
    assert registry.active_name() == TINY_MODEL


def test_no_rollback_with_too_few_probes_viewers_or_after_the_watch_window(good_model, monkeypatch):
    break_ranker(monkeypatch, lambda self, _: self.version == "other")
    run_probes(20)
    assert tasks.guard_active_model() == ""

    run_probes()
    version = ModelVersion.objects.get(name="other")
    ModelVersion.objects.filter(name="other").update(activated_at=timezone.now() - timedelta(minutes=61))
    assert tasks.guard_active_model() == ""
    ModelVersion.objects.filter(name="other").update(activated_at=version.activated_at)

    Viewer.objects.update(created_at=timezone.now() + timedelta(minutes=1))
    assert probe.sample_viewers(version) == []
    assert registry.active_name() == "other"


def test_nothing_is_counted_where_no_movie_is_left_to_list(good_model):
    publish_movies(list(Movie.objects.values_list("id", flat=True)), False)
    run_probes(10)

    assert probe.counter_name("other", probe.PROBES) not in metrics.merge_buckets(metrics.read_buckets(60, MINUTES))


def test_the_watcher_of_a_web_process_probes(good_model):
    assert probe.probe_next_viewer in watcher.tick_callbacks()


def test_an_operator_rolls_back_to_the_same_version(good_model):
    assert registry.rollback_target() == TINY_MODEL
    call_command("rollback", "--reason", "a test", stdout=io.StringIO())
    assert registry.active_name() == TINY_MODEL
