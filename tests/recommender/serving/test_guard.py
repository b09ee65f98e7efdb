"""A model that goes live and spoils the answers is taken back; one that does not, or may not be the cause, stays."""

import shutil
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from recommender import cache, registry, tasks
from recommender.ml.ranker import Ranker
from recommender.models import ModelVersion
from recommender.serving import tally
from recommender.serving.query import Query
from recommender.serving.recommend import recommend
from tests.cast import ADA
from tests.model import NAME

AGO = timedelta(minutes=3)


@pytest.fixture
def swapped(model, model_folder):
    """Another version went live three minutes ago."""
    folder = registry.folder("other")
    shutil.copytree(model_folder, folder)
    registry.register(folder, preset="brief")
    registry.activate("other", "a test")
    ModelVersion.objects.filter(name="other").update(activated_at=timezone.now() - AGO)
    yield "other"
    shutil.rmtree(folder)


def counted(minutes_ago, **counts):
    cache.add_tally(int(time.time()) - 60 * minutes_ago, counts)


def test_failures_that_came_with_a_model_take_it_back(swapped, monkeypatch):
    tally._counts.clear()  # of earlier tests
    counted(20, answers=990, failed=10)
    assert tasks.guard_active_model() == ""

    monkeypatch.setattr(Ranker, "encode", lambda *_: 1 / 0)
    for _ in range(10):
        with pytest.raises(ZeroDivisionError):
            recommend(Query(user_id=ADA))
    counted(1, answers=190)
    monkeypatch.setattr(tally, "_flushed_at", 0.0)
    tally.flush()
    told = tasks.guard_active_model()

    assert told == "5.0% of the calls failed since it went live; 1.0% in the hour before"
    assert registry.active_name() == NAME
    left = ModelVersion.objects.get(name="other")
    assert (left.status, left.reason) == (ModelVersion.Status.CANDIDATE, f"Rolled back from: {told}")
    assert tasks.guard_active_model() == "", "the one before is not blamed for it"


def test_a_model_under_which_every_call_fails_is_taken_back(swapped):
    counted(20, answers=1000)
    counted(1, failed=150)

    assert tasks.guard_active_model().startswith("100.0% of the calls failed")
    assert registry.active_name() == NAME


def test_lists_from_elsewhere_than_the_model_take_it_back(swapped):
    counted(20, answers=500, lists=500, astray=10)
    counted(1, answers=100, lists=100, astray=30)

    assert tasks.guard_active_model().startswith("30.0% of the lists for known viewers did not come from the model")
    assert registry.active_name() == NAME


@pytest.mark.parametrize(
    ("before", "since"),
    [
        ({"answers": 900, "failed": 100}, {"answers": 180, "failed": 20}),  # as bad as it was
        ({"answers": 1000}, {"answers": 50, "failed": 40}),  # too few to tell
        ({"answers": 1000}, {"answers": 200, "unreachable": 100, "busy": 100}),  # no fault of a model's
    ],
)
def test_what_is_no_fault_of_the_model_leaves_it(swapped, before, since):
    counted(20, **before)
    counted(1, **since)

    assert tasks.guard_active_model() == ""
    assert registry.active_name() == "other"
