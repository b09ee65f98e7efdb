"""No read shows what is no longer true: "Freshness, exactly" of the design, sentence by sentence."""

import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import time_machine
from django.core.cache import caches

from catalog.models import Movie, WatchEvent
from catalog.services import bump_epoch, delete_movies, publish_movies, record_events, save_record
from recommender import cache
from recommender.ml.ranker import Ranker
from recommender.serving.pipeline import recommend
from recommender.serving.request import RecommendRequest
from tests.support.cast import ADA, BEN, EVE, NEMO, watch_event
from tests.support.tiny_model import INVENTED, TINY_MODEL

pytestmark = pytest.mark.usefixtures("model")


def ask(viewer=ADA, **more):
    return recommend(RecommendRequest(viewer_id=viewer, **{"top_k": 10, **more}))


def listed_ids(answer):
    return [recommendation.movie_id for recommendation in answer.recommendations]


def happened(viewer, movie):
    [result] = record_events([watch_event(viewer, movie, datetime.now(UTC))])
    return result.viewer_version


# Stamps --------------------------------------------------------------------------------------------------------------


def planted(**stamps):
    """Store a list for Ada that is recognised by its only movie."""
    truth, _ = cache.read_list_and_versions(ADA)
    stored = cache.StoredList(
        model=stamps.get("model", truth.model),
        epoch=stamps.get("epoch", truth.epoch),
        viewer_version=stamps.get("viewer", truth.viewer),
        movie_ids=np.array([NEMO], np.int32),
        scores=np.array([99.0], np.float32),
        made_at=int(time.time()),
    )
    cache.store_list(ADA, stored)


def test_a_list_with_every_version_right_is_served():
    ask()
    planted()

    assert (listed_ids(ask(top_k=1)), ask(top_k=1).source) == ([NEMO], "cache")


@pytest.mark.parametrize("name", ["epoch", "viewer"])
def test_a_list_with_an_older_version_is_not_served(name):
    ask()
    versions, _ = cache.read_list_and_versions(ADA)
    planted(**{name: getattr(versions, name) - 1})

    assert ask(top_k=1).source == "model"


def test_a_list_made_while_an_event_came_in_is_never_served(monkeypatch):
    """The slow computation: the event arrives after the history was read and before the list is stored."""
    top = Ranker.top

    def slow(self, *args):
        happened(ADA, INVENTED["Sci-Fi"][1])
        return top(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Ranker, "top", slow)
        late = ask()
    assert INVENTED["Sci-Fi"][1] in listed_ids(late), "it answers a read that began before the event"

    after = ask()

    assert after.source == "model"
    assert INVENTED["Sci-Fi"][1] not in listed_ids(after)


def test_an_import_makes_every_list_old():
    ask()
    ask(BEN)

    bump_epoch()

    assert (ask().source, ask(BEN).source) == ("model", "model")
    assert ask().source == "cache"


def test_versions_that_were_evicted_come_back_from_postgres(django_assert_num_queries):
    first = ask()
    caches["lists"].delete_many(["epoch", "catalogue", "model", f"viewer:{ADA}:version"])

    with django_assert_num_queries(3):  # the revision, the active model, the viewer's version
        again = ask()

    assert (again.source, listed_ids(again)) == ("cache", listed_ids(first))
    with django_assert_num_queries(0):
        assert ask().source == "cache"


def test_an_evicted_version_does_not_bring_an_old_list_back():
    first = ask()
    happened(ADA, listed_ids(first)[0])
    caches["lists"].delete(f"viewer:{ADA}:version")

    after = ask()

    assert after.source == "model"
    assert listed_ids(first)[0] not in listed_ids(after)


def test_a_list_that_is_stored_for_a_stranger_ends_with_their_first_event():
    planted_for = cache.StoredList(TINY_MODEL, 1, 0, np.array([NEMO], np.int32), np.ones(1, np.float32), 0)
    ask()
    cache.store_list(EVE, planted_for._replace(epoch=cache.read_list_and_versions(ADA)[0].epoch))
    served = ask(EVE, top_k=1)
    assert (served.source, served.is_known_viewer, listed_ids(served)) == ("cache", False, [NEMO])

    happened(EVE, INVENTED["Crime"][0])

    assert ask(EVE, top_k=1).source == "model"


# The catalogue -------------------------------------------------------------------------------------------------------


def test_a_hidden_movie_is_gone_on_the_next_read_and_the_list_stays():
    first = ask()

    publish_movies(listed_ids(first)[:2], published=False)
    hidden = ask()

    assert hidden.source == "cache"
    assert listed_ids(hidden)[:8] == listed_ids(first)[2:]
    assert hidden.removal_counts == {"seen": 6, "not_available": 2}
    publish_movies(listed_ids(first)[:2], published=True)
    assert listed_ids(ask()) == listed_ids(first)


def test_where_too_many_are_hidden_the_model_fills_the_list():
    first = ask(top_k=60)

    publish_movies(listed_ids(first)[:20], published=False)
    rest = ask(top_k=56)

    assert rest.source == "model"
    assert len(listed_ids(rest)) == 51, "70 that she has not seen, less 20, and the one that the model does not know"
    assert not set(listed_ids(rest)) & set(listed_ids(first)[:20])


def test_a_deleted_movie_is_gone():
    first = ask()

    delete_movies(listed_ids(first)[:1])

    assert listed_ids(ask())[:9] == listed_ids(first)[1:]


def test_windows_are_held_against_the_clock():
    first = listed_ids(ask())
    movie = Movie.objects.get(pk=first[0])
    movie.available_until = datetime.now(UTC) + timedelta(hours=1)
    save_record(movie)
    assert listed_ids(ask()) == first

    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1, seconds=1)):
        after = ask()

    assert (after.source, listed_ids(after)[:9]) == ("cache", first[1:])


def test_a_movie_whose_window_opens_soon_waits_in_the_stored_list():
    favourite = listed_ids(ask())[0]
    movie = Movie.objects.get(pk=favourite)
    movie.available_from = datetime.now(UTC) + timedelta(hours=3)
    save_record(movie)
    happened(ADA, NEMO)
    assert favourite not in listed_ids(ask(top_k=60))

    with time_machine.travel(datetime.now(UTC) + timedelta(hours=3, seconds=1)):
        after = ask(top_k=60)

    assert (after.source, favourite in listed_ids(after)) == ("cache", True)


def test_an_event_of_a_movie_deletion_reaches_its_viewers():
    ask()

    delete_movies([WatchEvent.objects.filter(viewer_id=ADA).first().movie_id])

    assert ask().source == "model"
