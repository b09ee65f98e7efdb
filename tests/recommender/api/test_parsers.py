"""Whatever is sent: an answer or a problem, never a failure; and what is accepted is what was meant."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from recommender.api.batch import (
    BatchRequestSerializer,
    CacheBatchRequestSerializer,
    batch_job_parameters,
    to_batch_requests,
)
from recommender.api.events import EVENT_SERIALIZER, to_client_events
from recommender.api.fields import MAX_TIMESTAMP, Timestamp
from recommender.api.http.json_io import StrictJSONParser, json_bytes
from recommender.api.list_requests import to_request
from recommender.api.recommend import (
    FilteredRequestSerializer,
    RecommendQuerySerializer,
    RecommendRequestSerializer,
    to_filtered_request,
)
from recommender.api.similar import SimilarRequestSerializer
from recommender.ingest.events import KINDS, ClientEvent
from recommender.movies.movie_ids import parse_movie_id

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from(["1", 20, *KINDS])
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5)
)
MAKERS = [
    (RecommendRequestSerializer(), to_request),
    (FilteredRequestSerializer(), to_filtered_request),
    (BatchRequestSerializer(), to_batch_requests),
    (SimilarRequestSerializer(), dict),
    (CacheBatchRequestSerializer(), batch_job_parameters),
]
QUERY = RecommendQuerySerializer()


def bodies(*fields):
    """Draw bodies that mostly have known fields."""
    return st.dictionaries(st.sampled_from(sorted(fields)), ANYTHING, max_size=8) | ANYTHING


EVENTS = bodies(*EVENT_SERIALIZER.fields, "events")
thorough = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.django_db  # a batch of histories makes its viewers
@thorough
@given(st.data())
def test_bodies_are_read_or_refused(data):
    for serializer, make in MAKERS:
        try:
            make(serializer.run_validation(data.draw(bodies(*serializer.fields))))
        except ValidationError as error:
            json.dumps(error.detail)


@thorough
@given(EVENTS | st.lists(bodies(*EVENT_SERIALIZER.fields), max_size=3))
def test_events_are_read_or_refused(body):
    try:
        events = to_client_events(body)
    except ValidationError as error:
        json.dumps(error.detail)
    else:
        assert all(isinstance(event, ClientEvent | str) for event in events)


@thorough
@given(st.binary(max_size=200) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_bytes_are_parsed_or_refused(body):
    class Echo(APIView):
        authentication_classes = permission_classes = throttle_classes = ()

        def post(self, request):
            return Response({"echo": request.data})

    request = APIRequestFactory().post("/", body, content_type="application/json")
    response = Echo.as_view(parser_classes=[StrictJSONParser])(request).render()
    assert response.status_code in (200, 400)
    json.loads(response.content)


@pytest.mark.django_db  # where keys that are texts are looked up
@thorough
@given(st.dictionaries(st.sampled_from(sorted(QUERY.fields)), st.text(max_size=40)))
def test_queries_are_read_or_refused(values):
    request = APIView().initialize_request(APIRequestFactory().get("/", values))
    try:
        to_request(QUERY.run_validation(QUERY.parse_query(request.query_params)))
    except ValidationError as error:
        json_bytes(error.detail)


@thorough
@given(st.integers(0, MAX_TIMESTAMP))
def test_a_moment_means_the_same_in_every_spelling(seconds):
    moment = datetime.fromtimestamp(seconds, UTC)
    parse = Timestamp().run_validation

    assert parse(seconds) == parse(moment.isoformat()) == parse(moment.isoformat().replace("+00:00", "z")) == moment
    assert parse(moment.replace(tzinfo=None).isoformat()) == moment


@thorough
@given(st.text(max_size=20) | st.text("0123456789", min_size=9, max_size=20))
def test_a_movie_id_is_parsed_to_a_possible_id_or_to_a_text_that_may_be_a_key(text):
    movie = parse_movie_id(text)

    if isinstance(movie, int):
        assert (0 < movie < 2**31, str(movie)) == (True, text)
    else:
        assert movie == text
