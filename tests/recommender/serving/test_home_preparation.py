"""The end of a batch and of the night: home pages for those who were active last, before they ask."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.services import record_events
from recommender import cache, maintenance, tasks
from recommender.jobs import leases
from recommender.models import Job
from recommender.serving.home import preparation
from tests.support.cast import ADA, BEN, CLEO, watch_event
from tests.support.tiny_model import INVENTED


@pytest.fixture
def active(model):
    """Ada and Ben watch a film today, Cleo did a month ago."""
    maintenance.repair_versions()
    now = timezone.now()
    days = {ADA: 0, BEN: 1, CLEO: 30}
    record_events([watch_event(who, INVENTED["Crime"][0], now - timedelta(days=day)) for who, day in days.items()])


def batch_job():
    return Job.objects.create(kind=Job.Kind.BATCH)


def stored_of(*viewers):
    return {viewer: len(pages) for viewer, pages in cache.read_homes(viewers).items()}


def reads_histories(api, path):
    with CaptureQueriesContext(connection) as queries:
        api.get(path)
    return any("watchevent" in query["sql"] for query in queries)


def test_who_was_active_lately_has_a_page_after_the_batch(api, active):
    job = batch_job()
    tasks.run_batch(str(job.pk))

    job.refresh_from_db()
    assert (job.status, job.result["home_pages"]) == (Job.Status.DONE, 2)
    assert "2 home pages of 2 viewers who were active lately" in job.log_tail
    assert stored_of(ADA, BEN, CLEO) == {ADA: 1, BEN: 1, CLEO: 0}
    assert not reads_histories(api, f"/home?user_id={ADA}")
    assert reads_histories(api, f"/home?user_id={CLEO}")
    assert api.get(f"/home?user_id={ADA}")["model_version"] == "tiny"


def test_a_viewer_gets_the_page_that_their_app_asks_for(api, active):
    path = f"/home?user_id={ADA}&rows=3&row_length=5&language=de&genres=Sci-Fi&age_limit=17&details=true"
    api.get(path)
    record_events([watch_event(ADA, INVENTED["Sci-Fi"][0], timezone.now())])

    tasks.run_batch(str(batch_job().pk))

    assert stored_of(ADA) == {ADA: 1}
    assert not reads_histories(api, path)


def test_so_many_as_may_be_those_who_were_active_last(active, settings):
    settings.HOME_PREPARED = 1
    tasks.run_batch(str(batch_job().pk))
    assert stored_of(ADA, BEN) == {ADA: 1, BEN: 0}
    settings.HOME_PREPARED = 0
    job = batch_job()
    tasks.run_batch(str(job.pk))
    job.refresh_from_db()
    assert job.result["home_pages"] == 0


def test_a_job_that_was_killed_goes_on_behind_the_last_block(active, monkeypatch):
    monkeypatch.setattr(preparation, "BLOCK_SIZE", 1)
    made, make_ahead = [], preparation.make_ahead

    def killed_at_the_second(asked):
        if made:
            raise KeyboardInterrupt
        made.append(asked.base.viewer_id)
        return make_ahead(asked)

    lease = leases.claim(batch_job().pk)
    monkeypatch.setattr(preparation, "make_ahead", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        preparation.prepare_pages(lease)
    assert (made, lease.result["home"]) == ([ADA], {"after": ADA, "pages": 1})

    monkeypatch.setattr(preparation, "make_ahead", lambda asked: made.append(asked.base.viewer_id) or make_ahead(asked))
    preparation.prepare_pages(lease)

    assert (made, lease.result["home_pages"]) == ([ADA, BEN], 2)
    assert (lease.phase, lease.done, lease.total) == ("home pages", 2, 2)
