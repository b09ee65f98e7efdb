"""Viewers' versions reach Redis once for each event, merge and undo, and wait in the outbox where Redis is away."""

from datetime import UTC, datetime

import pytest
from django.core.cache import caches
from django.utils import timezone

from catalog import selectors
from catalog.models import Viewer
from catalog.services import NewEvent, record_events
from recommender import cache, maintenance, merging
from recommender.ingest.events import ClientEvent, record_client_events
from tests.support.cast import ADA, BEN, NEMO, TOY_STORY

pytestmark = pytest.mark.django_db(transaction=True)
SESSION = 987_654


@pytest.fixture(autouse=True)
def stored_lists(model, api):
    """Store lists of two viewers, and so their versions: publishing raises a version that is there, and adds none."""
    for viewer_id in (ADA, BEN):
        api.get(f"/recommend?user_id={viewer_id}&top_k=5")


def scripts_run():
    """Return how many scripts Redis has run since its start: a publication of viewers' versions is one."""
    statistics = caches["lists"].client.get_client().info("commandstats")
    return sum(statistics.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("eval", "evalsha"))


def published_version(viewer_id):
    versions, _ = cache.read_list_and_versions(viewer_id)
    return versions.viewer


def watch(viewer_id, movie_id):
    return ClientEvent(viewer=viewer_id, movie_id=movie_id, kind="watch", occurred_at=timezone.now())


def test_an_event_publishes_its_viewers_version_once():
    record_client_events([watch(ADA, TOY_STORY)])  # the first run loads the script
    before = scripts_run()

    result = record_client_events([watch(ADA, NEMO)])

    assert scripts_run() - before == 1
    assert result.visible
    assert published_version(ADA) == Viewer.objects.get(pk=ADA).version


def test_a_repeated_event_publishes_the_version_again():
    event = watch(ADA, NEMO)
    record_client_events([event])
    before = scripts_run()

    result = record_client_events([event])

    assert [row.status for row in result.results] == ["duplicate"]
    assert (result.visible, scripts_run() - before) == (True, 1)


def test_events_of_one_call_publish_all_viewers_at_once():
    record_client_events([watch(ADA, TOY_STORY)])
    before = scripts_run()

    record_client_events([watch(ADA, NEMO), watch(BEN, NEMO), watch(ADA, TOY_STORY)])

    assert scripts_run() - before == 1
    assert [published_version(pk) for pk in (ADA, BEN)] == [Viewer.objects.get(pk=pk).version for pk in (ADA, BEN)]


def test_a_merge_and_its_undo_publish_once():
    record_events([NewEvent(SESSION, NEMO, 1, datetime(2024, 3, 1, tzinfo=UTC), is_session=True)])
    record_client_events([watch(BEN, TOY_STORY)])
    before = scripts_run()

    merged = merging.merge(SESSION, ADA, allow_accounts=False)

    # One publishes; one tells every process to take who is gone out of its memory.
    assert (merged.visible, scripts_run() - before) == (True, 2)
    assert published_version(ADA) == Viewer.objects.get(pk=ADA).version

    before = scripts_run()
    undone = merging.undo_merge(merged.merge.pk, allow_accounts=False)
    assert (undone.visible, scripts_run() - before) == (True, 1), "both viewers at once"
    assert published_version(ADA) == Viewer.objects.get(pk=ADA).version


def test_without_redis_the_version_waits_in_the_outbox(monkeypatch):
    def unreachable(versions):
        raise cache.CacheUnavailable("gone")

    monkeypatch.setattr("recommender.cache.versions.publish_viewer_versions", unreachable)
    assert not record_client_events([watch(ADA, NEMO)]).visible
    monkeypatch.undo()

    assert ADA in selectors.pending_viewer_versions(10)
    maintenance.flush_outbox()
    assert published_version(ADA) == Viewer.objects.get(pk=ADA).version
    assert ADA not in selectors.pending_viewer_versions(10)
