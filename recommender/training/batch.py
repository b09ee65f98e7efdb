"""Lists for all viewers, ahead of time.

A list carries the epoch as read before the histories, and the viewer's version of the very snapshot that the history
came from. A change in the meantime makes that list outdated, never wrong.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import numpy as np
from django.conf import settings

from catalog import selectors
from catalog.plurals import count_noun
from infrastructure.read_replica import read_from_replica
from recommender import registry
from recommender.history import exclusions_from, has_known_movies, posted_events, to_model_events
from recommender.jobs import batch_chunks
from recommender.jobs.leases import JobCannotRun, Lease, LeaseLost
from recommender.list_builder import ListViewer
from recommender.models import Erasure
from recommender.registry import artifacts
from recommender.training.list_writer import ListWriter, ViewerInput, writer_for

BLOCK_SIZE = 256  # viewers: bounds the memory of their scores over all movies
MAX_PASSES = 3  # when the epoch moves on while lists are written, they are outdated and are written again
POLL_INTERVAL = 0.2  # seconds
DAY = 86_400  # seconds

RequestHelpers = Callable[[UUID, int], None]  # asks so many other processes for `process_one_chunk` of a job
PreparePages = Callable[[Lease], None]  # makes what viewers will ask for beside their lists

log = logging.getLogger(__name__)


def no_helpers(job_id: UUID, count: int) -> None:
    """Ask no other process for help."""


def no_pages(lease: Lease) -> None:
    """Make nothing beside the lists."""


def run(lease: Lease, request_helpers: RequestHelpers = no_helpers, prepare_pages: PreparePages = no_pages) -> None:
    """Run a BATCH job under the active model, and prepare the pages that are made of its lists.

    Its parameters name all viewers, those with an event in the last `active_days`, or histories of their own.
    """
    model = registry.active_name()
    histories = lease.parameters.get("user_histories")
    if model is None:
        failed = sorted(map(int, histories or ()))
        lease.result |= {"model": None, "viewers": 0} | ({"failed_users": failed} if histories else {})
        lease.log("There is no active model yet: lists are popular films, made as they are asked for")
    elif histories is None:
        fill_all(model, lease, request_helpers)
        prepare_pages(lease)
    else:
        by_viewer = {int(viewer): [int(movie) for movie in movies] for viewer, movies in histories.items()}
        fill_from_histories(model, by_viewer, lease)


def fill_all(model: str, lease: Lease, request_helpers: RequestHelpers = no_helpers) -> None:
    """Write a list for every viewer with a history, in chunks that other processes may take as well.

    A job that is claimed again goes on with the chunks that are not finished.
    """
    started = time.monotonic()
    writer = writer_for(model)
    days = lease.parameters.get("active_days") or settings.BATCH_ACTIVE_DAYS
    for _ in range(MAX_PASSES):
        epoch = selectors.catalogue_and_epoch()[1]
        target = {"model": model, "epoch": epoch}
        if lease.result.get("filled") == target:
            return  # the process that did it died later
        if {key: lease.result.get(key) for key in target} != target:
            since = int(time.time()) - days * DAY if days else None
            batch_chunks.create(lease.job_id, model, epoch, since)
            lease.result |= target
            lease.save()
        request_helpers(lease.job_id, max(0, batch_chunks.progress(lease.job_id).unfinished - 1))
        if _process_chunks(writer, lease):
            break
        lease.log("The epoch moved on while lists were written: they are written again.")
    progress = batch_chunks.progress(lease.job_id)
    seconds = max(time.monotonic() - started, 1e-6)
    lease.result |= {
        "viewers": progress.viewers,
        "list_seconds": round(progress.seconds, 3),
        "viewers_per_min": round(60 * progress.viewers / seconds),
        "filled": {"model": model, "epoch": lease.result["epoch"]},
    }
    lease.report_progress("lists", progress.viewers, progress.viewers)  # viewers without a history had none to get
    lists = count_noun(progress.viewers, "list")
    lease.log(f"{lists} in {seconds:.1f} s; {progress.seconds:.1f} s of work over all processes")
    lease.save()
    batch_chunks.delete_all(lease.job_id)


def _process_chunks(writer: ListWriter, lease: Lease) -> bool:
    """Process the job's chunks until none is left. Returns whether all lists were written under one epoch."""
    total = selectors.viewer_count()
    while True:
        progress = batch_chunks.progress(lease.job_id)
        lease.report_progress("lists", progress.viewers, total)
        chunk = batch_chunks.claim(lease.job_id)
        if chunk is not None:
            _process_chunk(writer, chunk)
        elif progress.unfinished:
            time.sleep(POLL_INTERVAL)  # other processes hold the rest
        if selectors.catalogue_and_epoch()[1] != lease.result["epoch"]:
            return False
        if chunk is None and not progress.unfinished:
            return True


def process_one_chunk(job_id: UUID | str) -> bool:
    """Process one chunk of a running batch, for another process than the job's own. False: there is none to take."""
    chunk = batch_chunks.claim(job_id)
    if chunk is None:
        return False
    try:
        _process_chunk(writer_for(chunk.model), chunk)
    except (JobCannotRun, *artifacts.FETCH_ERRORS):  # the model is not on this machine: the chunk is for others
        chunk.release()
        raise
    return True


def _process_chunk(writer: ListWriter, chunk: batch_chunks.ClaimedChunk) -> None:
    """Write the lists of a chunk. One whose epoch is past is released: its job makes chunks anew."""
    started, after_viewer_id, written = time.monotonic(), chunk.after_viewer_id, 0
    try:
        while ids := selectors.viewer_ids(after_viewer_id, BLOCK_SIZE, chunk.through_viewer_id, chunk.since):
            if writer.refresh_versions(ids) != chunk.epoch:
                return chunk.release()
            with read_from_replica():
                histories = selectors.histories(ids)
            viewers = [
                ViewerInput(
                    history.viewer_id,
                    to_model_events(history),
                    ListViewer(
                        history.version,
                        exclusions_from(history),
                        history.age_limit,
                        history.country,
                        history.language,
                    ),
                )
                for history in histories
            ]
            written += writer.write_lists(viewers, chunk.epoch, chunk.renew)
            after_viewer_id = ids[-1]
            chunk.renew()
    except LeaseLost as lost:
        return log.info("%s", lost)
    chunk.finish(written, time.monotonic() - started)


def fill_from_histories(model: str, histories: Mapping[int, Sequence[int]], lease: Lease) -> None:
    """Write lists made from posted histories, movie ids by viewer id, served until the viewer's next event."""
    writer, viewer_ids = writer_for(model), sorted(histories)
    written = 0
    failed: list[int] = []
    for start in range(0, len(viewer_ids), BLOCK_SIZE):
        block = viewer_ids[start : start + BLOCK_SIZE]
        epoch = writer.refresh_versions(block)
        erased = set(Erasure.objects.filter(viewer_id__in=block).values_list("viewer_id", flat=True))
        own = {history.viewer_id: history for history in selectors.histories(block)}
        viewers = []
        for viewer_id in sorted(set(block) - erased):
            posted = np.array(histories[viewer_id], np.int32)
            events = posted_events(posted)
            if not has_known_movies(events, writer.ranker):
                failed.append(viewer_id)
                continue
            history = own.get(viewer_id)
            row = ListViewer(0, exclusions_from(None), None)  # of a viewer who is not known; a first event makes it 1
            if history is not None:
                row = ListViewer(history.version, row.exclusions, history.age_limit, history.country, history.language)
            exclusions = exclusions_from(history, posted)  # what was posted may be in no catalogue
            exclusions = exclusions.select(writer.snapshot.table.rows_of(exclusions.movie_ids) >= 0)
            viewers.append(ViewerInput(viewer_id, events, row._replace(exclusions=exclusions)))
        written += writer.write_lists(viewers, epoch, lease.raise_if_lost)
        lease.report_progress("lists", written, len(viewer_ids))
    lease.result |= {"model": model, "viewers": written, "failed_users": failed}
