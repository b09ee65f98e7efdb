"""Lists for everyone ahead of time, on the tiny real model."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from catalog.models import Movie, Viewer
from catalog.selectors import catalogue_table
from catalog.services import bump_catalogue, bump_epoch, record_events, save_viewer
from recommender import cache, maintenance
from recommender.jobs import batch_chunks, leases, queue
from recommender.models import BatchChunk, Job
from recommender.training import batch
from tests.support.cast import (
    ADA,
    BEN,
    CLEO,
    DAN,
    EMPIRE,
    EVE,
    GODFATHER,
    JEDI,
    MATRIX,
    MORNING,
    NEMO,
    RAIDERS,
    SPIRITED_AWAY,
    STAR_WARS,
    TOY_STORY,
    watch_event,
)
from tests.support.jobs import stored_list
from tests.support.tiny_model import INVENTED


@pytest.fixture
def claim_batch(model):
    maintenance.repair_versions()  # as beat does every few seconds

    def claim(**parameters):
        return leases.claim(Job.objects.create(kind=Job.Kind.BATCH, parameters=parameters).pk)

    return claim


def test_every_viewer_with_a_history_gets_a_list_of_unseen_movies(claim_batch, model):
    lease = claim_batch()
    batch.run(lease)

    assert lease.result["viewers"] == 4
    for viewer in (ADA, BEN, CLEO, DAN):
        films = stored_list(viewer).movie_ids
        seen = set(
            Viewer.objects.get(pk=viewer).events.filter(kind__in=(1, 2, 4, 5)).values_list("movie_id", flat=True)
        )
        assert len(films) > 50
        assert not seen & set(films.tolist())
        assert (np.diff(stored_list(viewer).scores) <= 0).all()
    assert stored_list(ADA).model == model.name
    assert stored_list(ADA).movie_ids.tolist() != stored_list(BEN).movie_ids.tolist()
    assert stored_list(EVE) is None


def test_an_event_while_the_batch_runs_makes_that_list_outdated_not_wrong(claim_batch, monkeypatch):
    write_lists = batch.ListWriter.write_lists

    def an_event_comes_in_between(writer, viewers, epoch, check):
        record_events([watch_event(ADA, NEMO, MORNING)])  # after the histories were read, before the lists are stored
        return write_lists(writer, viewers, epoch, check)

    monkeypatch.setattr(batch.ListWriter, "write_lists", an_event_comes_in_between)
    batch.run(claim_batch())

    assert stored_list(ADA) is None
    assert stored_list(BEN) is not None


def test_an_epoch_that_moves_on_has_all_lists_written_again(claim_batch, monkeypatch):
    refresh_versions, calls = batch.ListWriter.refresh_versions, []

    def an_import_ends(writer, viewer_ids):
        calls.append(1)
        if len(calls) == 2:
            bump_epoch()
        return refresh_versions(writer, viewer_ids)

    monkeypatch.setattr(batch, "BLOCK_SIZE", 2)
    monkeypatch.setattr(batch.ListWriter, "refresh_versions", an_import_ends)
    lease = claim_batch()
    batch.run(lease)

    assert all(stored_list(viewer) for viewer in (ADA, BEN, CLEO, DAN))
    assert lease.result["viewers"] == 4


def test_a_killed_batch_goes_on_behind_its_last_chunk(claim_batch, monkeypatch):
    monkeypatch.setattr(batch_chunks, "CHUNK_SIZE", 2)
    killed = claim_batch()
    killed.on_progress = lambda phase, done, total: 1 / (done < 2)
    with pytest.raises(ZeroDivisionError):
        batch.run(killed)
    assert (stored_list(ADA) is not None, stored_list(DAN)) == (True, None)
    cache.erase_viewer(ADA)  # tells whether the list is written a second time
    killed.save()
    Job.objects.update(lease_until="2024-01-01T00:00Z")

    taken_up = leases.claim(killed.job_id)
    batch.run(taken_up)

    assert stored_list(ADA) is None
    assert stored_list(DAN) is not None
    assert taken_up.result["viewers"] == 4


def test_other_processes_take_chunks_and_one_that_dies_loses_its_own(claim_batch, monkeypatch):
    monkeypatch.setattr(batch_chunks, "CHUNK_SIZE", 1)
    monkeypatch.setattr(batch_chunks, "LEASE_DURATION", timedelta(seconds=1))
    requested = []

    def request_helpers(job_id, count):
        requested.append(count)
        assert batch.process_one_chunk(job_id)
        assert stored_list(ADA)
        assert batch_chunks.claim(job_id).after_viewer_id == ADA, "and dies"

    lease = claim_batch()
    batch.run(lease, request_helpers)

    assert requested == [Viewer.objects.count() - 1]
    assert all(stored_list(viewer) for viewer in (ADA, BEN, CLEO, DAN))
    assert lease.result["viewers"] == 4
    assert not BatchChunk.objects.exists()
    assert not batch.process_one_chunk(lease.job_id), "a message of a batch that has ended"


def test_help_for_a_job_that_was_cancelled_writes_no_more(claim_batch, monkeypatch):
    monkeypatch.setattr(batch, "BLOCK_SIZE", 1)
    write_lists = batch.ListWriter.write_lists

    def cancelled_meanwhile(writer, viewers, epoch, check):
        queue.cancel(lease.job_id)
        return write_lists(writer, viewers, epoch, check)

    monkeypatch.setattr(batch.ListWriter, "write_lists", cancelled_meanwhile)
    lease = claim_batch()
    with leases.running_lease(lease):
        batch.run(lease)

    assert (stored_list(ADA) is None, stored_list(BEN)) == (False, None)


def test_active_days_limits_the_batch_to_recent_viewers(claim_batch):
    now = datetime.now(UTC)
    record_events([watch_event(CLEO, NEMO, now - timedelta(days=20)), watch_event(DAN, JEDI, now - timedelta(days=40))])
    lease = claim_batch(active_days=30)
    batch.run(lease)

    assert [viewer for viewer in (ADA, BEN, CLEO, DAN) if stored_list(viewer)] == [CLEO]
    assert (lease.done, lease.total) == (1, 1), "nobody is left to wait for"


def test_unavailable_movies_lie_between_as_many_available_ones(claim_batch, settings):
    settings.LIST_LENGTH = 10
    hidden = [JEDI, MATRIX, *INVENTED["Children"][:12]]
    Movie.objects.filter(pk__in=hidden[1:]).update(published=False)
    Movie.objects.filter(pk=JEDI).update(available_until=MORNING)
    bump_catalogue()
    batch.run(claim_batch())

    for viewer in (BEN, DAN):
        films = stored_list(viewer).movie_ids
        assert (~np.isin(films, hidden)).sum() == 10
        assert np.isin(films, hidden).sum() > 3
        assert (np.diff(stored_list(viewer).scores) <= 0).all()
        assert films[-1] not in hidden, "below the last film that may be shown none is kept"


def movies_for_age(stored, limit):
    table = catalogue_table()
    allowed = [
        movie for movie in stored.movie_ids if limit is None or table.age[table.rows_of(np.array([movie]))[0]] <= limit
    ]
    return set(map(int, allowed))


def test_a_viewers_age_limit_holds_in_the_list_and_travels_with_it(claim_batch):
    for viewer, limit in ((BEN, 8), (DAN, 17)):
        row = Viewer.objects.get(pk=viewer)
        row.age_limit = limit
        save_viewer(row)
    lease = claim_batch(user_histories={str(BEN): [str(STAR_WARS), "77"], str(DAN): [str(TOY_STORY)], str(ADA): ["1"]})
    with leases.running_lease(lease):
        batch.run(lease)
    sent = {viewer: stored_list(viewer) for viewer in (ADA, BEN, DAN)}
    batch.run(claim_batch())

    for lists in (sent, {viewer: stored_list(viewer) for viewer in (ADA, BEN, DAN)}):
        assert [lists[viewer].age_limit for viewer in (ADA, BEN, DAN)] == [None, 8, 17]
        fit = {viewer: movies_for_age(stored, stored.age_limit) for viewer, stored in lists.items()}
        assert fit[BEN] == {STAR_WARS, EMPIRE, JEDI, RAIDERS, SPIRITED_AWAY} - {STAR_WARS if lists is sent else 0}
        assert {NEMO, MATRIX, GODFATHER} <= fit[DAN], "from 0 to 17"
        assert set(INVENTED["Crime"]) <= fit[ADA], "of unknown certificate"
    assert sent[BEN].exclusion_counts == (4, 0, 0), "three of his own and one that was sent; no catalogue has the other"
    assert stored_list(BEN).exclusion_counts == (3, 0, 0)
    assert stored_list(CLEO).exclusion_counts == (3, 1, 1)


def test_posted_histories_make_the_lists_of_their_viewers(claim_batch):
    lease = claim_batch(
        user_histories={str(BEN): [str(STAR_WARS), str(EMPIRE)], str(EVE): [str(TOY_STORY)], str(DAN): ["77"]}
    )
    batch.run(lease)

    assert JEDI in stored_list(BEN).movie_ids[:5], "made from what was sent, not from Ben's family films"
    assert not {STAR_WARS, EMPIRE, TOY_STORY} & set(stored_list(BEN).movie_ids.tolist()), "nor is anything he saw in it"
    assert stored_list(ADA) is None
    assert stored_list(EVE) is not None, "a stranger too, until the first event"
    assert lease.result["failed_users"] == [DAN], "no catalogue has that movie"
    record_events([watch_event(BEN, NEMO, MORNING), watch_event(EVE, NEMO, MORNING)])
    assert (stored_list(BEN), stored_list(EVE)) == (None, None)


def test_without_a_model_a_batch_ends_and_says_why(cast):
    lease = leases.claim(Job.objects.create(kind=Job.Kind.BATCH, parameters={"user_histories": {"7": [1]}}).pk)
    lines = []
    lease.on_log = lines.append
    batch.run(lease)
    assert (lease.result["viewers"], lease.result["failed_users"]) == (0, [7])
    assert lines == ["There is no active model yet: lists are popular films, made as they are asked for"]
