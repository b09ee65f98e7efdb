"""A request reads the viewer once: its list, its explanations and what it says of them are of one history."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog import selectors
from recommender.ingest.events import ClientEvent, record_client_events
from recommender.movies.movie_ids import parse_movie_ids
from recommender.serving.pipeline import recommend
from recommender.serving.request import RecommendRequest
from tests.support.cast import ADA, BEN, EVE

EXPLAINED = RecommendRequest(viewer_id=ADA, top_k=20, explain=True)


@pytest.fixture(autouse=True)
def read_before(model):
    """Have this process read the versions and the catalogue, as any request before would."""
    recommend(RecommendRequest(viewer_id=EVE))


def listed(answer):
    return [recommendation.movie_id for recommendation in answer.recommendations]


def watch(movie_id):
    event = ClientEvent(viewer=ADA, movie_id=movie_id, kind="watch", occurred_at=timezone.now())
    assert record_client_events([event]).visible


@pytest.fixture
def watch_while_read(monkeypatch):
    """Have the viewer watch a movie just before or just after the next reading of their history."""

    def arrange(movie_id, *, before):
        readings, read = [], selectors.history

        def reading(viewer_id):
            readings.append(viewer_id)
            if before and len(readings) == 1:
                watch(movie_id)
            history = read(viewer_id)
            if not before and len(readings) == 1:
                watch(movie_id)
            return history

        monkeypatch.setattr(selectors, "history", reading)
        return readings

    return arrange


@pytest.mark.parametrize("stored", [False, True])
def test_an_explained_list_costs_one_query_stored_or_not(stored):
    if stored:
        recommend(RecommendRequest(viewer_id=ADA, top_k=20))
    with CaptureQueriesContext(connection) as queries:
        answer = recommend(EXPLAINED)
    assert (answer.source, len(queries)) == ("cache" if stored else "model", 1)
    assert any(explanation.causes for explanation in answer.explanations)


def test_a_watch_after_the_history_was_read_is_in_no_explanation(watch_while_read):
    movie_id = listed(recommend(RecommendRequest(viewer_id=ADA, top_k=20)))[0]
    readings = watch_while_read(movie_id, before=False)

    answer = recommend(EXPLAINED)

    causes = {cause.movie_id for explanation in answer.explanations for cause in explanation.causes}
    assert readings == [ADA]
    assert movie_id in listed(answer)
    assert movie_id not in causes


def test_a_stored_list_is_not_explained_by_a_newer_history(watch_while_read):
    plain = listed(recommend(RecommendRequest(viewer_id=ADA, top_k=20)))
    watch_while_read(plain[0], before=True)

    answer = recommend(EXPLAINED)

    assert answer.source == "model", "the stored list is of the history before"
    assert plain[0] not in listed(answer)


def test_a_group_is_read_once_and_explained_by_its_members():
    with CaptureQueriesContext(connection) as queries:
        answer = recommend(RecommendRequest(viewer_id=None, viewer_ids=[ADA, BEN], top_k=20, explain=True))
    assert len(queries) == 1
    assert len(answer.explanations) == 20
    assert not any(explanation.causes for explanation in answer.explanations), "they watched no film in common"


def test_a_posted_history_is_read_as_it_was_written():
    """What the list does not build on comes back as the client wrote it, whatever id it is."""
    texts = ["260", "imdb:tt0000001", "a film", "260", "a film"]
    answer = recommend(RecommendRequest(viewer_id=None, history=parse_movie_ids(texts), history_texts=texts))
    assert answer.unused_history == ["imdb:tt0000001", "a film"]
