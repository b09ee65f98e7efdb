"""Jobs in the test database: create, run, expire; and the lists that they leave."""

import json

import pytest
from django.db import connection
from django.test import Client

from catalog.models import Viewer
from recommender import cache, maintenance
from recommender.jobs import leases
from recommender.models import Job, ModelVersion
from recommender.training import nightly
from tests.support.workers import wait_until


def has_ended(kind):
    """Return whether the latest job of a kind is done, failed or cancelled."""
    job = Job.objects.filter(kind=kind).first()
    return job is not None and job.status in (Job.Status.DONE, Job.Status.FAILED, Job.Status.CANCELLED)


def expire_lease(job):
    """Let a job's lease expire, as if its holder had been killed half a minute ago."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE recommender_job SET lease_until = now() - interval '1 second' WHERE id = %s", [job.pk])


def new_lease(**parameters):
    """Return the lease of a new nightly job, which makes no lists unless asked."""
    parameters = {"preset": "basic", "epochs": 4, "lists": False, "warm": False} | parameters
    return leases.claim(Job.objects.create(kind=Job.Kind.NIGHTLY, parameters=parameters).pk)


def run_nightly(lease, **flow):
    """Run a nightly job in this process; return the version that it registered. `flow`: as of `nightly.run`."""
    with leases.running_lease(lease):
        nightly.run(lease, **flow)
    return ModelVersion.objects.get(name=lease.result["version"])


def run_until(lease, beginning):
    """Run a nightly job in this process and kill it at the first line of its log that begins so."""
    report = lease.on_log

    def report_and_die(line):
        report(line)
        if line.startswith(beginning):
            raise SystemExit

    lease.on_log = report_and_die
    with pytest.raises(SystemExit), leases.running_lease(lease):
        nightly.run(lease)
    lease.on_log = report


def assert_lists_are_from(model):
    """Fail unless viewers get unseen movies from this model alone, after beat's repair."""
    wait_until(
        lambda: maintenance.repair_versions() and cache.read_list_and_versions(1)[0].model == model, 10
    )  # a dead process's lock goes with it
    for viewer in Viewer.objects.all()[:5]:
        body = json.loads(Client().get(f"/recommend?user_id={viewer.pk}&top_k=5").content)
        assert body["model_version"] == model
        seen = set(viewer.events.values_list("movie_id", flat=True))
        assert not seen & {int(movie["movie_id"]) for movie in body["recommendations"]}
        assert cache.read_list_and_versions(viewer.pk)[0].model == model


def stored_list(viewer):
    """Return the viewer's stored list if it is current."""
    versions, stored = cache.read_list_and_versions(viewer)
    return stored if stored is not None and stored.is_current(versions) else None
