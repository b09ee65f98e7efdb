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
def lease(model):
    maintenance.repair_versions()  # as beat does every few seconds

    def acquired(**parameters):
        return leases.claim(Job.objects.create(kind=Job.Kind.BATCH, parameters=parameters).pk)

    return acquired


def test_every_viewer_with_a_history_gets_a_list_of_films_not_seen(lease, model):
    held = lease()
    batch.run(held)

    assert held.result["viewers"] == 4
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


def test_an_event_while_the_batch_runs_makes_that_list_invalid_not_wrong(lease, monkeypatch):
    fill = batch.ListWriter.write_lists

    def an_event_comes_in_between(shelf, readers, epoch, check):
        record_events([watch_event(ADA, NEMO, MORNING)])  # after the histories were read, before the lists are stored
        return fill(shelf, readers, epoch, check)

    monkeypatch.setattr(batch.ListWriter, "write_lists", an_event_comes_in_between)
    batch.run(lease())

    assert stored_list(ADA) is None
    assert stored_list(BEN) is not None


def test_an_epoch_that_moves_on_has_all_lists_written_again(lease, monkeypatch):
    look, looks = batch.ListWriter.refresh_versions, []

    def an_import_ends(shelf, viewer_ids):
        looks.append(1)
        if len(looks) == 2:
            bump_epoch()
        return look(shelf, viewer_ids)

    monkeypatch.setattr(batch, "BLOCK_SIZE", 2)
    monkeypatch.setattr(batch.ListWriter, "refresh_versions", an_import_ends)
    held = lease()
    batch.run(held)

    assert all(stored_list(viewer) for viewer in (ADA, BEN, CLEO, DAN))
    assert held.result["viewers"] == 4


def test_a_killed_batch_goes_on_behind_its_last_chunk(lease, monkeypatch):
    monkeypatch.setattr(batch_chunks, "CHUNK_SIZE", 2)
    killed = lease()
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


def test_other_processes_take_chunks_and_one_that_dies_loses_its_own(lease, monkeypatch):
    monkeypatch.setattr(batch_chunks, "CHUNK_SIZE", 1)
    monkeypatch.setattr(batch_chunks, "LEASE_DURATION", timedelta(seconds=1))
    asked = []

    def call(job_id, wanted):
        asked.append(wanted)
        assert batch.process_one_chunk(job_id)
        assert stored_list(ADA)
        assert batch_chunks.claim(job_id).after_viewer_id == ADA, "and is never heard of again"

    held = lease()
    batch.run(held, call)

    assert asked == [Viewer.objects.count() - 1]
    assert all(stored_list(viewer) for viewer in (ADA, BEN, CLEO, DAN))
    assert held.result["viewers"] == 4
    assert not BatchChunk.objects.exists()
    assert not batch.process_one_chunk(held.job_id), "the call of a batch that has ended"


def test_help_for_a_job_that_was_cancelled_writes_no_more(lease, monkeypatch):
    monkeypatch.setattr(batch, "BLOCK_SIZE", 1)
    fill = batch.ListWriter.write_lists

    def cancelled_meanwhile(shelf, readers, epoch, check):
        queue.cancel(held.job_id)
        return fill(shelf, readers, epoch, check)

    monkeypatch.setattr(batch.ListWriter, "write_lists", cancelled_meanwhile)
    held = lease()
    with leases.running_lease(held):
        batch.run(held)

    assert (stored_list(ADA) is None, stored_list(BEN)) == (False, None)


def test_only_those_who_were_here_lately(lease):
    now = datetime.now(UTC)
    record_events([watch_event(CLEO, NEMO, now - timedelta(days=20)), watch_event(DAN, JEDI, now - timedelta(days=40))])
    held = lease(active_days=30)
    batch.run(held)

    assert [viewer for viewer in (ADA, BEN, CLEO, DAN) if stored_list(viewer)] == [CLEO]
    assert (held.done, held.total) == (1, 1), "nobody is left to wait for"


def test_films_that_may_not_be_shown_are_beside_as_many_that_may(lease, settings):
    settings.LIST_LENGTH = 10
    hidden = [JEDI, MATRIX, *INVENTED["Children"][:12]]
    Movie.objects.filter(pk__in=hidden[1:]).update(published=False)
    Movie.objects.filter(pk=JEDI).update(available_until=MORNING)
    bump_catalogue()
    batch.run(lease())

    for viewer in (BEN, DAN):
        films = stored_list(viewer).movie_ids
        assert (~np.isin(films, hidden)).sum() == 10
        assert np.isin(films, hidden).sum() > 3
        assert (np.diff(stored_list(viewer).scores) <= 0).all()
        assert films[-1] not in hidden, "below the last film that may be shown none is kept"


def films_of_age(found, limit):
    table = catalogue_table()
    fit = [film for film in found.movie_ids if limit is None or table.age[table.rows_of(np.array([film]))[0]] <= limit]
    return set(map(int, fit))


def test_a_viewers_age_limit_holds_in_the_list_and_travels_with_it(lease):
    for viewer, limit in ((BEN, 8), (DAN, 17)):
        one = Viewer.objects.get(pk=viewer)
        one.age_limit = limit
        save_viewer(one)
    held = lease(user_histories={str(BEN): [str(STAR_WARS), "77"], str(DAN): [str(TOY_STORY)], str(ADA): ["1"]})
    with leases.running_lease(held):
        batch.run(held)
    sent = {viewer: stored_list(viewer) for viewer in (ADA, BEN, DAN)}
    batch.run(lease())

    for lists in (sent, {viewer: stored_list(viewer) for viewer in (ADA, BEN, DAN)}):
        assert [lists[viewer].age_limit for viewer in (ADA, BEN, DAN)] == [None, 8, 17]
        fit = {viewer: films_of_age(found, found.age_limit) for viewer, found in lists.items()}
        assert fit[BEN] == {STAR_WARS, EMPIRE, JEDI, RAIDERS, SPIRITED_AWAY} - {STAR_WARS if lists is sent else 0}
        assert {NEMO, MATRIX, GODFATHER} <= fit[DAN], "from 0 to 17"
        assert set(INVENTED["Crime"]) <= fit[ADA], "of unknown certificate"
    assert sent[BEN].exclusion_counts == (4, 0, 0), "three of his own and one that was sent; no catalogue has the other"
    assert stored_list(BEN).exclusion_counts == (3, 0, 0)
    assert stored_list(CLEO).exclusion_counts == (3, 1, 1)


def test_histories_that_were_sent_make_the_lists_of_those_viewers(lease):
    held = lease(user_histories={str(BEN): [str(STAR_WARS), str(EMPIRE)], str(EVE): [str(TOY_STORY)], str(DAN): ["77"]})
    batch.run(held)

    assert JEDI in stored_list(BEN).movie_ids[:5], "made from what was sent, not from Ben's family films"
    assert not {STAR_WARS, EMPIRE, TOY_STORY} & set(stored_list(BEN).movie_ids.tolist()), "nor is anything he saw in it"
    assert stored_list(ADA) is None
    assert stored_list(EVE) is not None, "a stranger too, until the first event"
    assert held.result["failed_users"] == [DAN], "nobody knows that film"
    record_events([watch_event(BEN, NEMO, MORNING), watch_event(EVE, NEMO, MORNING)])
    assert (stored_list(BEN), stored_list(EVE)) == (None, None)


def test_without_a_model_a_batch_ends_and_says_why(cast):
    job = leases.claim(Job.objects.create(kind=Job.Kind.BATCH, parameters={"user_histories": {"7": [1]}}).pk)
    said = []
    job.on_log = said.append
    batch.run(job)
    assert (job.result["viewers"], job.result["failed_users"]) == (0, [7])
    assert said == ["There is no active model yet: lists are popular films, made as they are asked for"]
