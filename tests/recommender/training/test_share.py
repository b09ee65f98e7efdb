"""A bounded share of the histories trains: long ones by their newest events, and nobody who is long gone."""

import shutil
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone

from catalog.models import Viewer, WatchEvent
from recommender.ml.data import Tokens
from recommender.models import ModelVersion
from recommender.training.snapshot import take_snapshot
from tests.support.jobs import stored_list
from tests.support.tiny_model import clear_caches
from tests.support.workers import RING_VIEWERS, WATCHES_EACH

GONE = 60  # viewers who came long ago
EACH = 6  # events that train


@pytest.fixture(autouse=True)
def _fresh(settings, ring):
    """Half of the viewers came this week, the first ones long ago."""
    clear_caches()
    recent = timezone.now() - WatchEvent.objects.latest("occurred_at").occurred_at
    WatchEvent.objects.exclude(viewer__in=RING_VIEWERS[:GONE]).update(occurred_at=F("occurred_at") + recent)
    yield
    clear_caches()
    shutil.rmtree(settings.CHECKPOINT_DIR, ignore_errors=True)


def train(command, capsys):
    """Train by a command; return the version and what the command printed."""
    call_command(command, preset="basic", epochs=2)
    return ModelVersion.objects.latest("created_at"), capsys.readouterr().out


def test_without_a_setting_everything_trains(capsys):
    version, output = train("train", capsys)
    assert version.metrics["data"]["events"] == WatchEvent.objects.count()
    assert version.metrics["left_out"] == {}
    assert "Trained on" not in output


def test_the_newest_events_of_a_viewer_train(settings, capsys, tmp_path):
    settings.TRAINING_EVENTS_PER_VIEWER = EACH
    version, output = train("train", capsys)

    viewers = Viewer.objects.count()
    left_out = viewers * (WATCHES_EACH - EACH)
    assert version.metrics["data"] | {"films": 0} == {"viewers": viewers, "events": viewers * EACH, "films": 0}
    assert version.metrics["left_out"] == {
        "events_per_viewer": EACH,
        "active_days": 0,
        "events": left_out,
        "viewers": 0,
    }
    assert (
        f"Trained on the newest {EACH} events of a viewer alone: {left_out:,} events and 0 viewers left out" in output
    )

    bounded = take_snapshot(tmp_path / "bounded")
    settings.TRAINING_EVENTS_PER_VIEWER = 0
    whole = take_snapshot(tmp_path / "whole")
    assert bounded.data_hash != whole.data_hash, "a metric is of other data"
    tokens, newest = bounded.tokens(), whole.tokens()
    for viewer, (start, stop) in enumerate(zip(tokens.indptr[:-1], tokens.indptr[1:], strict=True)):
        last = slice(newest.indptr[viewer + 1] - EACH, newest.indptr[viewer + 1])
        for name in ("items", "times", "stars"):
            column, all_of_it = (getattr(of, name) for of in (tokens, newest))
            assert column[start:stop].tolist() == all_of_it[last].tolist(), (viewer, name)
    assert isinstance(tokens, Tokens)
    assert (tokens.taste_seen <= tokens.taste_indptr[-1]).all()


def test_who_came_long_ago_does_not_train_and_gets_lists(settings, capsys):
    settings.TRAINING_ACTIVE_DAYS = 365
    version, output = train("nightly", capsys)

    viewers = Viewer.objects.count()
    assert version.metrics["data"]["viewers"] == viewers - GONE
    assert version.metrics["left_out"]["viewers"] == GONE
    assert version.metrics["left_out"]["events"] == GONE * WATCHES_EACH
    assert (
        f"viewers with an event in the last 365 days alone: {GONE * WATCHES_EACH:,} events and {GONE} viewers" in output
    )
    assert version.status == ModelVersion.Status.ACTIVE, version.reason
    for viewer in (RING_VIEWERS[0], RING_VIEWERS[GONE - 1], RING_VIEWERS[-1]):
        stored = stored_list(viewer)
        assert stored is not None, viewer
        assert stored.model == version.name
        seen = set(WatchEvent.objects.filter(viewer=viewer).values_list("movie_id", flat=True))
        assert not seen & set(stored.movie_ids.tolist()), "of the whole history"


def test_where_nobody_came_lately_it_says_so(settings, capsys):
    settings.TRAINING_ACTIVE_DAYS = 7
    WatchEvent.objects.update(occurred_at=F("occurred_at") - timedelta(days=700))

    call_command("train", preset="basic", epochs=1)

    output = capsys.readouterr().out
    assert "No model was trained: nothing trains: viewers with an event in the last 7 days alone" in output
