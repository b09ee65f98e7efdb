"""Pruning deletes what is past its retention, and nothing else."""

import shutil
from datetime import timedelta

from django.utils import timezone

from catalog.models import WatchEvent
from recommender import registry, tasks
from recommender.models import Impression, Job, ModelVersion
from tests.support.cast import ADA
from tests.support.tiny_model import TINY_MODEL

VERSIONS = ("m1", "m2", "m3", "m4", "m5")


def test_old_jobs_impressions_and_models_are_deleted_and_histories_stay(model, model_folder, settings):
    settings.MODELS_KEPT = 1
    now = timezone.now()
    for days in (1, 400):
        Job.objects.create(kind="batch", status="done", finished_at=now - timedelta(days=days))
        Impression.objects.create(viewer_id=ADA, movie_id=1, kind=1, occurred_at=now - timedelta(days=days))
    Job.objects.create(kind="nightly")
    for name in VERSIONS:
        shutil.copytree(model_folder, registry.folder(name))
        registry.register(registry.folder(name), preset="basic", metrics={"ndcg10": 0.1})
    for name in ("m3", "m4"):
        registry.activate(name, "a test")
    events = WatchEvent.objects.count()

    counts = tasks.prune()

    assert (counts["jobs"], counts["impressions"]) == (1, 1)
    assert (Job.objects.count(), Impression.objects.count(), WatchEvent.objects.count()) == (2, 1, events)
    assert sorted(counts["models"]) == ["m1", "m2"]
    assert [name for name in VERSIONS if registry.folder(name).exists()] == ["m3", "m4", "m5"]
    left = ModelVersion.objects.get(name="m1")
    assert (left.status, left.metrics) == (ModelVersion.Status.REFUSED, {"ndcg10": 0.1})
    assert [registry.rollback("still possible").name for _ in range(2)] == ["m3", TINY_MODEL]
    for name in VERSIONS:
        shutil.rmtree(registry.folder(name), ignore_errors=True)
