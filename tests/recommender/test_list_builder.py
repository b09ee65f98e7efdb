"""The list that a request stores is the list that the batch stores."""

import numpy as np
import pytest

from catalog.models import Movie, Rule, Viewer
from catalog.services import bump_catalogue, save_record, save_viewer
from recommender import cache, maintenance
from recommender.jobs import leases
from recommender.models import Job
from recommender.training import batch
from tests.support.cast import ADA, BEN, CLEO, DAN, JEDI, MATRIX, MORNING, NEMO
from tests.support.tiny_model import INVENTED

VIEWERS = (ADA, BEN, CLEO, DAN)


@pytest.fixture
def limits(model, settings):
    """What a list depends on: an age limit, hidden and closed movies, a pinned one, fewer places than movies."""
    settings.LIST_LENGTH = 12
    ben = Viewer.objects.get(pk=BEN)
    ben.age_limit = 8
    save_viewer(ben)
    Movie.objects.filter(pk__in=[JEDI, *INVENTED["Children"][:12]]).update(published=False)
    Movie.objects.filter(pk=MATRIX).update(available_until=MORNING)
    rule = Rule(name="first", action=Rule.Action.PIN, by=Rule.Target.MOVIE, movie_id=NEMO, places=1)
    save_record(rule)
    bump_catalogue()
    maintenance.repair_versions()


def stored_lists():
    lists = {viewer: cache.read_list_and_versions(viewer) for viewer in VIEWERS}
    assert all(stored is not None and stored.is_current(versions) for versions, stored in lists.values())
    return {viewer: stored for viewer, (_, stored) in lists.items()}


def test_a_request_stores_what_the_batch_stores(limits, api):
    lease = leases.claim(Job.objects.create(kind=Job.Kind.BATCH).pk)
    batch.run(lease)
    of_batch = stored_lists()

    for viewer in VIEWERS:
        cache.erase_viewer(viewer)
        assert api.get(f"/recommend?user_id={viewer}")["source"] == "model"
    of_requests = stored_lists()

    for viewer in VIEWERS:
        from_batch, from_request = of_batch[viewer], of_requests[viewer]
        np.testing.assert_array_equal(from_batch.movie_ids, from_request.movie_ids)
        np.testing.assert_allclose(from_batch.scores, from_request.scores, rtol=1e-5)
        same = {"movie_ids": 0, "scores": 0, "made_at": 0}
        assert from_batch._replace(**same) == from_request._replace(**same)
    assert of_batch[BEN].age_limit == 8
    assert JEDI in of_batch[ADA].movie_ids or JEDI in of_batch[CLEO].movie_ids, "an edit may open it again"
