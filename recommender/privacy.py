"""A viewer's own data: all of it in one answer, or erased everywhere.

Whoever read a viewer's history before the erasure may still be at work, and stores a list afterwards. It is never
served, as its version is over; and the erasure stays open until it has been swept away as well.
"""

import json
from datetime import timedelta
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from catalog import selectors, services
from catalog.plurals import count_noun
from recommender import audit, cache
from recommender.cache import CacheUnavailable
from recommender.ingest import imports
from recommender.models import BatchChunk, Erasure, Impression, Job, Merge, ModelVersion

_LOCK_NAMESPACE = 5_270_402  # any number, the same in every process
MAX_PENDING_ROWS = 10_000  # rows of imports in one export
SWEEP_PERIOD = timedelta(minutes=2)  # longer than any request or block of a batch takes from its reading to its storing


class ErasureResult(NamedTuple):
    """What is gone. `stored_lists`: whether Redis is rid of them now; else within seconds of its return."""

    events: int
    impressions: int
    jobs: int
    stored_lists: bool
    models: list[dict[str, Any]]  # trained before, so perhaps with this viewer
    trainings: list[str]  # jobs at it now, which may have read this viewer's events


# Export ------------------------------------------------------------------------------------------------------------


def export_viewer(viewer_id: int) -> dict[str, Any]:
    """Everything that is stored of a viewer, or made of it; `stored_list` is None where Redis cannot be asked. Of rows
    that wait in an import, the first MOST_WAITING."""
    shown = Impression.objects.filter(viewer_id=viewer_id).order_by("occurred_at", "id")
    jobs = Job.objects.filter(parameters__user_histories__has_key=str(viewer_id)).order_by("created_at")
    return selectors.personal_data(viewer_id) | {
        "shown": [_impression_fields(one) for one in shown.iterator()],
        "sent_histories": [_posted_history(job, job.parameters["user_histories"][str(viewer_id)]) for job in jobs],
        "merges": [_merge_fields(one) for one in merges_of(viewer_id).order_by("merged_at", "pk")],
        "waiting_rows": list(islice(imports.pending_rows(viewer_id), MAX_PENDING_ROWS)),
        "stored_list": _stored_list_rows(viewer_id),
    }


def _merge_fields(one: Merge) -> dict[str, Any]:
    names = ("from_viewer_id", "into_viewer_id", "merged_at", "undone_at", "events", "duplicates", "impressions")
    told = {name.replace("viewer", "user"): getattr(one, name) for name in names}
    return {"merge_id": one.pk, **told, "kept": json.dumps(one.kept, ensure_ascii=False)}


def _posted_history(job: Job, history: list[str]) -> dict[str, Any]:
    return {"job_id": str(job.pk), "sent_at": job.created_at, "history": history}


def _stored_list_rows(viewer_id: int) -> list[dict[str, Any]] | None:
    try:
        _, stored = cache.read_list_and_versions(viewer_id)
    except CacheUnavailable:
        return None
    films = [] if stored is None else zip(stored.movie_ids.tolist(), stored.scores.tolist(), strict=True)
    return [{"movie_id": str(movie_id), "score": round(score, 5)} for movie_id, score in films]


def _impression_fields(one: Impression) -> dict[str, Any]:
    return {
        "movie_id": str(one.movie_id),
        "kind": one.get_kind_display(),
        "occurred_at": one.occurred_at,
        "position": one.position,
        "recommendation_id": one.recommendation_id,
        "event_id": one.client_event_id,
    }


# Erasure -----------------------------------------------------------------------------------------------------------


def erase_viewer(viewer_id: int) -> ErasureResult:
    """Erases a viewer everywhere. Twice does no harm, and neither does a viewer whom nobody knows."""
    with transaction.atomic():
        lock_viewers(viewer_id)
        open_erasure(viewer_id)
        imports.delete_viewer_rows(viewer_id)
        events = services.erase_viewer(viewer_id)
        impressions, _ = Impression.objects.filter(viewer_id=viewer_id).delete()
        _delete_merges(viewer_id)
        jobs = delete_from_jobs(viewer_id)
        audit.record(
            audit.Action.ERASED, details=f"{count_noun(events, 'event')}, {count_noun(impressions, 'impression')}"
        )
    return ErasureResult(events, impressions, jobs, delete_lists(viewer_id), _trained_models(), _running_trainings())


def lock_viewers(*viewer_ids: int) -> None:
    """Waits until nobody else erases or merges one of these viewers, nor undoes it, until the transaction ends."""
    with connection.cursor() as cursor:
        for viewer_id in sorted(viewer_ids):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_NAMESPACE, viewer_id])


def merges_of(viewer_id: int) -> QuerySet[Merge]:
    """Those of the viewer into another, and of others into the viewer."""
    return Merge.objects.filter(Q(from_viewer_id=viewer_id) | Q(into_viewer_id=viewer_id))


def _delete_merges(viewer_id: int) -> None:
    """Those into whoever was merged into this viewer too: they keep what is this viewer's now."""
    viewers, merged = {viewer_id}, {viewer_id}
    while merged:
        merged = set(Merge.objects.filter(into_viewer_id__in=merged).values_list("from_viewer_id", flat=True)) - viewers
        viewers |= merged
    merges_of(viewer_id).delete()
    Merge.objects.filter(into_viewer_id__in=viewers).delete()


def finish_erasures() -> int:
    """Sweeps out what was still being made when a viewer was erased. Returns how many erasures are complete."""
    finished = 0
    for erasure in Erasure.objects.order_by("pk"):
        over = erasure.began_at < timezone.now() - SWEEP_PERIOD and not _has_older_batch(erasure)
        with transaction.atomic():
            delete_from_jobs(erasure.viewer_id)
            if delete_lists(erasure.viewer_id) and over:
                finished += Erasure.objects.filter(pk=erasure.pk, began_at=erasure.began_at).delete()[0]
    return finished


def open_erasure(viewer_id: int) -> None:
    """Opens an erasure."""
    Erasure.objects.update_or_create(viewer_id=viewer_id, defaults={"began_at": timezone.now()})


def _has_older_batch(erasure: Erasure) -> bool:
    running = Job.objects.filter(kind=Job.Kind.BATCH, status=Job.Status.RUNNING)
    return running.filter(started_at__lt=erasure.began_at).exists()


def delete_lists(viewer_id: int) -> bool:
    """Whether Redis is rid of the viewer."""
    try:
        cache.erase_viewer(viewer_id, list(ModelVersion.objects.values_list("name", flat=True)))
    except CacheUnavailable:
        return False
    return True


def delete_from_jobs(viewer_id: int) -> int:
    """Histories that were sent for a batch, run or not, and numbers in results and chunks. Returns how many jobs."""
    for bound in ("after_viewer_id", "through_viewer_id"):  # the same viewers lie between: this one is gone
        BatchChunk.objects.filter(**{bound: viewer_id}).update(**{bound: viewer_id - 1})
    named = Q(parameters__user_histories__has_key=str(viewer_id)) | Q(result__failed_users__contains=[viewer_id])
    jobs = list(Job.objects.select_for_update().filter(named))
    for job in jobs:
        job.parameters.get("user_histories", {}).pop(str(viewer_id), None)
        if viewer_id in job.result.get("failed_users", []):
            job.result["failed_users"].remove(viewer_id)
        job.save(update_fields=["parameters", "result"])
    return len(jobs)


def _trained_models() -> list[dict[str, Any]]:
    trained = ModelVersion.objects.exclude(status=ModelVersion.Status.REFUSED).order_by("created_at")
    return [dict(one) for one in trained.values("name", "status", "created_at")]


def _running_trainings() -> list[str]:
    running = Job.objects.filter(kind=Job.Kind.NIGHTLY, status=Job.Status.RUNNING)
    return [str(pk) for pk in running.values_list("pk", flat=True)]
