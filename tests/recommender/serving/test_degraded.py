"""Parts that go away: lists go on, and say what they are."""

import contextlib
import shutil
import time

import pytest
from django.conf import settings as live_settings

from catalog.models import Viewer
from movierec.local import embedded_servers, server_paths
from recommender import cache, maintenance, process_state, registry
from recommender.cache.connection import PROBE_INTERVAL
from recommender.ingest import events
from recommender.models import ModelVersion
from recommender.monitoring import readiness
from recommender.serving.chart import recommend_chart
from recommender.serving.home.page import build_page
from recommender.serving.pipeline import recommend
from recommender.serving.request import Filters, RecommendRequest
from recommender.serving.similar import find_similar
from tests.support.cast import ADA, EVE, NEMO, STAR_WARS
from tests.support.tiny_model import TINY_MODEL

pytestmark = pytest.mark.usefixtures("model")
QUERY = RecommendRequest(viewer_id=ADA, top_k=10)


def listed_ids(answer):
    return [recommendation.movie_id for recommendation in answer.recommendations]


class Valkey:
    """One of this test's own, which it may stop and start."""

    def __init__(self, state):
        self.state = state
        self.url = server_paths.redis_url(state)
        self._up = contextlib.ExitStack()

    def start(self):
        self._up.enter_context(
            embedded_servers.running_servers(self.state, servers=[embedded_servers.VALKEY], say=lambda line: None)
        )
        time.sleep(PROBE_INTERVAL)  # a lost Redis is asked again after that

    def stop(self):
        self._up.close()


@pytest.fixture
def valkey(tmp_path, settings, monkeypatch):
    own = Valkey(tmp_path)
    base = own.url.partition("?")[0]
    settings.CACHES = {
        name: {**options, "LOCATION": f"{base}?db={number}"}
        for number, (name, options) in enumerate(live_settings.CACHES.items(), 1)
    }
    process_state.clear()
    own.start()
    registry.repair_pointer()
    yield own
    process_state.clear()
    own.stop()


def happening(movie):
    from django.utils import timezone

    return events.ClientEvent(viewer=ADA, movie_id=movie, kind="watch", occurred_at=timezone.now())


def test_without_redis_lists_come_from_the_model(valkey):
    whole = recommend(QUERY)
    assert (recommend(QUERY).source, whole.degraded) == ("cache", False)

    valkey.stop()

    down = recommend(QUERY)
    assert (down.source, down.degraded, listed_ids(down)) == ("model", True, listed_ids(whole))
    assert recommend(RecommendRequest(viewer_id=ADA, top_k=5, filters=Filters(genres=["Crime"]))).degraded
    assert recommend(RecommendRequest(viewer_id=EVE, top_k=5)).source == "popular"
    assert recommend_chart(RecommendRequest(viewer_id=None, top_k=5), "popular").degraded
    page = build_page(QUERY, 5, 4)
    assert (page.degraded, page.rows[0].key, page.rows[0].movie_ids) == (True, "top_picks", listed_ids(whole)[:4])
    assert find_similar(STAR_WARS, 5).degraded
    assert readiness.check_readiness().ready


def test_an_event_without_redis_is_stored_and_published_later(valkey):
    first = listed_ids(recommend(QUERY))[0]
    valkey.stop()

    recorded = events.record_client_events([happening(first)])

    assert (recorded.results[0].status, recorded.visible) == ("stored", False)
    assert Viewer.objects.get(pk=ADA).publish_pending
    assert first not in listed_ids(recommend(QUERY))
    valkey.start()
    assert maintenance.flush_outbox()
    assert not Viewer.objects.get(pk=ADA).publish_pending
    assert first not in listed_ids(recommend(QUERY))


def test_a_redis_that_comes_back_is_not_trusted_with_what_it_held(valkey):
    recommend(QUERY)
    epoch = cache.read_list_and_versions(ADA)[0].epoch
    valkey.stop()
    assert recommend(QUERY).degraded

    valkey.start()

    back = recommend(QUERY)
    assert (back.source, back.degraded) == ("model", False)
    assert cache.read_list_and_versions(ADA)[0].epoch > epoch
    assert recommend(QUERY).source == "cache"


def test_without_the_folder_of_the_active_model_the_version_before_serves(model, model_folder):
    broken = registry.folder("broken")
    shutil.copytree(model_folder, broken)
    registry.register(broken, preset="basic")
    registry.activate("broken", "the next one")
    shutil.rmtree(broken)
    process_state.clear()

    answer = recommend(QUERY)

    assert (answer.source, answer.model_version, answer.degraded) == ("model", TINY_MODEL, True)
    assert recommend(QUERY).source == "model", "what the version before made is not stored as the active one's"
    found = readiness.check_readiness()
    assert (found.ready, found.model_version) == (True, TINY_MODEL)
    assert "broken" in found.components["model"]


def test_without_any_model_popular_movies_are_listed(model):
    ModelVersion.objects.update(status=ModelVersion.Status.CANDIDATE)
    cache.publish_model("gone")
    process_state.clear()

    answer = recommend(QUERY)

    assert (answer.source, answer.model_version, answer.degraded) == ("popular", None, True)
    assert NEMO in listed_ids(answer)
    assert not readiness.check_readiness().ready


def test_a_new_model_is_taken_up_on_the_next_read(model_folder):
    recommend(QUERY)
    shutil.copytree(model_folder, registry.folder("next"), dirs_exist_ok=True)
    registry.register(registry.folder("next"), preset="basic")

    registry.activate("next", "better")

    assert (recommend(QUERY).model_version, recommend(QUERY).source) == ("next", "cache")
    registry.rollback("worse")
    assert recommend(QUERY).model_version == TINY_MODEL
    shutil.rmtree(registry.folder("next"))
