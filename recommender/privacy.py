"""Export or erase everything that is stored of a viewer.

A process that read a viewer's history before the erasure may still store a list afterwards. That list is never served,
as its version is outdated, and the erasure stays open until a later sweep has deleted it as well.
"""

import json
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple
from zlib import crc32

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from catalog import selectors, services
from catalog.event_keys import event_key_text
from catalog.keys import Key, parse_key
from catalog.models import WatchEvent
from catalog.plurals import count_noun
from recommender import audit, cache, experiments
from recommender.cache import CacheUnavailable
from recommender.ingest import history_files, import_records, imports
from recommender.models import (
    BatchChunk,
    Erasure,
    Impression,
    Job,
    Merge,
    ModelVersion,
    WebhookEndpoint,
    WebhookMessage,
)
from recommender.movies.movie_ids import movie_id_text, movie_id_texts
from recommender.record_log import OUTCOMES, SERVED_LISTS, is_stored_through
from recommender.registry import object_store
from recommender.served_lists import storage
from recommender.served_lists.describe import describe_lists

_LOCK_NAMESPACE = 5_270_402  # any number, the same in every process
NOBODY = 0  # the id of no viewer
MAX_PENDING_ROWS = 10_000  # rows of pending imports in one export
MAX_SERVED_LISTS = 10_000  # in one export, the newest
SWEEP_PERIOD = timedelta(minutes=2)  # longer than any request or batch block takes between reading and storing


class ErasureResult(NamedTuple):
    """Hold what was erased. `stored_lists`: whether Redis holds nothing of the viewer now; if False, the sweep deletes
    it within seconds of Redis's return."""

    events: int
    impressions: int
    jobs: int
    stored_lists: bool
    models: list[dict[str, Any]]  # trained before, so perhaps with this viewer
    trainings: list[str]  # ids of running jobs that may have read this viewer's events


# Export ------------------------------------------------------------------------------------------------------------


def export_viewer(viewer: Key) -> dict[str, Any]:
    """Return everything that is stored of a viewer or computed from it.

    `stored_list` is None where Redis does not answer. `waiting_rows` has the first MAX_PENDING_ROWS rows of pending
    imports.
    """
    viewer_id = stored_id(viewer) or NOBODY
    impressions = Impression.objects.filter(viewer_id=viewer_id).order_by("occurred_at", "id")
    jobs = Job.objects.filter(parameters__user_histories__has_key=str(viewer_id)).order_by("created_at")
    return selectors.personal_data(viewer_id) | {
        "shown": [_impression_fields(impression) for impression in impressions.iterator()],
        "sent_histories": [
            {
                "job_id": str(job.pk),
                "sent_at": job.created_at,
                "history": movie_id_texts(map(int, job.parameters["user_histories"][str(viewer_id)])),
            }
            for job in jobs
        ],
        "merges": [_merge_fields(merge) for merge in merges_of(viewer).order_by("merged_at", "pk")],
        "imported_files": list(history_files.reports_of(viewer)),
        "waiting_rows": list(islice(imports.pending_rows(viewer), MAX_PENDING_ROWS)),
        "stored_list": _stored_list_rows(viewer_id),
        "served_lists": _served_lists(viewer_id),
    }


def _impression_fields(impression: Impression) -> dict[str, Any]:
    return {
        "movie_id": movie_id_text(impression.movie_id),
        "kind": impression.get_kind_display(),
        "occurred_at": impression.occurred_at,
        "position": impression.position,
        "recommendation_id": impression.recommendation_id,
        "event_id": event_key_text(impression.client_event_id, impression.event_key),
    }


def _served_lists(viewer_id: int) -> list[dict[str, Any]]:
    """Return a viewer's lists, the newest first, without the others who a group's list was for as well."""
    described = list(describe_lists(storage.lists_of(viewer_id).order_by("-pk")[:MAX_SERVED_LISTS]))
    for served in described:
        request = {name: value for name, value in served["request"].items() if name != "members"}
        served["request"] = json.dumps(request, ensure_ascii=False)
    return described


def _merge_fields(merge: Merge) -> dict[str, Any]:
    names = ("merged_at", "undone_at", "events", "duplicates", "impressions")
    viewers = {"from_user_id": parse_key(merge.from_key), "into_user_id": parse_key(merge.into_key)}
    fields = {name: getattr(merge, name) for name in names}
    kept = json.dumps(_kept_values(merge) if merge.kept else {}, ensure_ascii=False)
    return {"merge_id": merge.pk, **viewers, **fields, "kept": kept}


def _kept_values(merge: Merge) -> dict[str, Any]:
    """Return what undoing a merge needs by the site's keys: no numbers of rows, and not which staff wrote a note."""
    kept = merge.kept
    movies = dict(zip((ids := [event["movie_id"] for event in kept["duplicates"]]), movie_id_texts(ids), strict=True))
    return {
        "viewer": kept["viewer"]
        and {"user_id": parse_key(merge.from_key)}
        | {name: value for name, value in kept["viewer"].items() if name not in ("id", "key", "version")},
        "into": kept["into"],
        "events": len(kept["events"]),
        "impressions": len(kept["impressions"]),
        "duplicates": [
            {
                "movie_id": movies[event["movie_id"]],
                "kind": WatchEvent.Kind(event["kind"]).label,
                **{name: event[name] for name in ("occurred_at", "rating", "completion")},
                "event_id": event_key_text(event["client_event_id"], event.get("event_key")),
            }
            for event in kept["duplicates"]
        ],
        "notes": [
            {"noted_at": note["action_time"], "about": note["object_repr"], "change": note["change_message"]}
            for note in kept["notes"]
        ],
        "waiting": [rows for _, rows in kept["waiting"]],  # as JSON: nothing has validated them
        "sent": {job: movie_id_texts(map(int, history)) for job, history in kept["sent"].items()},
    }


def _stored_list_rows(viewer_id: int) -> list[dict[str, Any]] | None:
    try:
        _, stored = cache.read_list_and_versions(viewer_id)
    except CacheUnavailable:
        return None
    if stored is None:
        return []
    movies = zip(movie_id_texts(stored.movie_ids.tolist()), stored.scores.tolist(), strict=True)
    return [{"movie_id": text, "score": round(score, 5)} for text, score in movies]


# Erasure -----------------------------------------------------------------------------------------------------------


def erase_viewer(viewer: Key) -> ErasureResult:
    """Erase a viewer everywhere. Erasing twice, or an unknown viewer, does no harm."""
    events = impressions = jobs = 0
    with transaction.atomic():
        lock_viewers(viewer)
        imports.delete_viewer_rows(viewer)
        _delete_merges(viewer)
        viewer_id = stored_id(viewer)
        if viewer_id is not None:
            open_erasure(viewer_id, viewer)
            events = services.erase_viewer(viewer_id)
            impressions, _ = Impression.objects.filter(viewer_id=viewer_id).delete()
            storage.erase_viewer(viewer_id)
            experiments.erase_viewer(viewer_id)
            jobs = delete_from_jobs(viewer_id)
        jobs += history_files.forget_viewer(viewer_id, viewer)
        details = f"{count_noun(events, 'event')}, {count_noun(impressions, 'impression')}"
        audit.record(audit.Action.ERASED, details=details)
    models = ModelVersion.objects.exclude(status=ModelVersion.Status.REFUSED).order_by("created_at")
    trainings = Job.objects.filter(kind=Job.Kind.NIGHTLY, status=Job.Status.RUNNING)
    return ErasureResult(
        events,
        impressions,
        jobs,
        stored_lists=delete_lists(viewer_id, viewer),
        models=[dict(model) for model in models.values("name", "status", "created_at")],
        trainings=[str(pk) for pk in trainings.values_list("pk", flat=True)],
    )


def lock_viewers(*viewers: Key) -> None:
    """Wait until no other transaction erases, merges or unmerges these viewers, and keep it so until this one ends."""
    # Two texts may have one number: then one of them waits in vain, and no more.
    numbers = sorted({key if isinstance(key, int) else -crc32(key.encode()) // 2 for key in viewers})
    with connection.cursor() as cursor:
        for number in numbers:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_NAMESPACE, number])


def stored_id(viewer: Key) -> int | None:
    """Return the id under which anything is stored of a viewer, as Postgres has it; None for a text that is nobody's.

    Something may be stored of a number that is no viewer's.
    """
    return viewer if isinstance(viewer, int) else selectors.find_viewer(viewer)


def merges_of(viewer: Key) -> QuerySet[Merge]:
    """Select the merges of this viewer into another, and of others into this viewer."""
    return Merge.objects.filter(Q(from_key=str(viewer)) | Q(into_key=str(viewer)))


def _delete_merges(viewer: Key) -> None:
    """Delete a viewer's merges, and those into viewers that were merged into this one: their undo data holds what is
    this viewer's now."""
    keys, newly_found = {str(viewer)}, {str(viewer)}
    while newly_found:
        sources = Merge.objects.filter(into_key__in=newly_found).values_list("from_key", flat=True)
        newly_found = set(sources) - keys
        keys |= newly_found
    merges_of(viewer).delete()
    Merge.objects.filter(into_key__in=keys).delete()


def finish_erasures() -> int:
    """Delete what was stored while a viewer was being erased. Return the number of erasures that are complete."""
    finished, erasures = 0, list(Erasure.objects.order_by("pk"))
    forgotten = _forget_in_shards([erasure.viewer_id for erasure in erasures])
    for erasure in erasures:
        older_batches = Job.objects.filter(
            kind=Job.Kind.BATCH, status=Job.Status.RUNNING, started_at__lt=erasure.began_at
        )
        over_at = erasure.began_at + SWEEP_PERIOD
        is_over = over_at < timezone.now() and not older_batches.exists() and _are_logs_stored_through(over_at)
        with transaction.atomic():
            _delete_webhook_messages(erasure.viewer_id)
            import_records.forget_viewer_id(erasure.viewer_id)
            delete_from_jobs(erasure.viewer_id)
            history_files.forget_viewer(erasure.viewer_id, erasure.viewer_key or None)
            storage.erase_viewer(erasure.viewer_id)
            experiments.erase_viewer(erasure.viewer_id)
            if delete_lists(erasure.viewer_id, erasure.viewer_key or None) and is_over and forgotten:
                finished += Erasure.objects.filter(pk=erasure.pk, began_at=erasure.began_at).delete()[0]
    return finished


def _forget_in_shards(viewer_ids: list[int]) -> bool:
    """Take viewers out of the histories that this machine and the store have for training. False while these are
    written, or where the store does not answer."""
    if not viewer_ids or not (settings.SHARDS_DIR.exists() or object_store.is_configured()):
        return True
    # They read Parquet, which web processes do without.
    from recommender.shards.erasure import forget_viewers
    from recommender.shards.store import forget_viewers_in_store

    is_gone_here = forget_viewers(settings.SHARDS_DIR, viewer_ids)
    return (not object_store.is_configured() or forget_viewers_in_store(viewer_ids)) and is_gone_here


def _are_logs_stored_through(moment: datetime) -> bool:
    """Say whether every list served before, and all that came of any, is in its table."""
    return all(is_stored_through(log, moment.timestamp()) for log in (SERVED_LISTS, OUTCOMES))


def open_erasure(viewer_id: int, viewer: Key) -> None:
    """Record that a viewer is being erased, so that finish_erasures() sweeps again later."""
    _delete_webhook_messages(viewer_id)
    values = {"began_at": timezone.now(), "viewer_key": viewer if isinstance(viewer, str) else ""}
    Erasure.objects.update_or_create(viewer_id=viewer_id, defaults=values)


def _delete_webhook_messages(viewer_id: int) -> None:
    WebhookMessage.objects.filter(event=WebhookEndpoint.Event.VIEWER, subject=str(viewer_id)).delete()


def delete_lists(viewer_id: int | None, viewer: Key | None) -> bool:
    """Delete a viewer's stored lists and versions from Redis, and what it knows of the key where that is a text.

    Return False where Redis does not answer.
    """
    key = viewer if isinstance(viewer, str) else ""
    try:
        cache.erase_viewer(viewer_id, list(ModelVersion.objects.values_list("name", flat=True)), key)
    except CacheUnavailable:
        return False
    return True


def delete_from_jobs(viewer_id: int) -> int:
    """Delete a viewer's posted histories from batch jobs, and the viewer's number from their results and chunks.
    Return the number of jobs that named the viewer."""
    for bound in ("after_viewer_id", "through_viewer_id"):  # one lower, it holds the same viewers: this one is gone
        BatchChunk.objects.filter(**{bound: viewer_id}).update(**{bound: viewer_id - 1})
    names_viewer = Q(parameters__user_histories__has_key=str(viewer_id)) | Q(result__failed_users__contains=[viewer_id])
    jobs = list(Job.objects.select_for_update().filter(names_viewer))
    for job in jobs:
        job.parameters.get("user_histories", {}).pop(str(viewer_id), None)
        if viewer_id in job.result.get("failed_users", []):
            job.result["failed_users"].remove(viewer_id)
        job.save(update_fields=["parameters", "result"])
    return len(jobs)
