"""Jobs of the test database: started, ended, their leases expired."""

import json

from django.db import connection
from django.test import Client

from catalog.models import Viewer
from recommender import cache, maintenance
from recommender.jobs import leases
from recommender.models import Job, ModelVersion
from recommender.training import nightly
from tests.support.workers import wait_until


def has_ended(kind):
    job = Job.objects.filter(kind=kind).first()
    return job is not None and job.status in (Job.Status.DONE, Job.Status.FAILED, Job.Status.CANCELLED)


def expire_lease(job):
    """As if the holder had been killed half a minute ago."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE recommender_job SET lease_until = now() - interval '1 second' WHERE id = %s", [job.pk])


def new_lease(**parameters):
    """A job's lease; the lists are the batch's own tests."""
    told = {"preset": "brief", "epochs": 4, "lists": False, "warm": False} | parameters
    return leases.claim(Job.objects.create(kind=Job.Kind.NIGHTLY, parameters=told).pk)


def run_nightly(lease):
    with leases.running_lease(lease):
        nightly.run(lease)
    return ModelVersion.objects.get(name=lease.result["version"])


def assert_lists_are_from(model):
    """What viewers get now, after what beat does every few seconds: no film they saw, from this model alone."""
    wait_until(
        lambda: maintenance.repair_versions() and cache.read_list_and_versions(1)[0].model == model, 10
    )  # a dead process's lock goes with it
    for viewer in Viewer.objects.all()[:5]:
        body = json.loads(Client().get(f"/recommend?user_id={viewer.pk}&top_k=5").content)
        assert body["model_version"] == model
        seen = set(viewer.events.values_list("movie_id", flat=True))
        assert not seen & {int(one["movie_id"]) for one in body["recommendations"]}
        assert cache.read_list_and_versions(viewer.pk)[0].model == model


def stored_list(viewer):
    """The viewer's list where it is valid."""
    stamps, found = cache.read_list_and_versions(viewer)
    return found if found is not None and found.is_current(stamps) else None
