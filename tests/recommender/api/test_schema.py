"""The typed contract, and that its examples are true."""

import json

import pytest

from recommender.api.batch import BatchRequestSerializer
from recommender.api.events import EventRequestSerializer
from recommender.api.recommend import FilteredRequestSerializer, RecommendRequestSerializer
from recommender.api.similar import SimilarRequestSerializer
from tests.support.api import ApiClient
from tests.support.cast import ADA

pytestmark = pytest.mark.usefixtures("model")
# Client generators name their types by these: a renamed class must keep its component name.
COMPONENTS = """
    About AccountErased AccountProfiles AdminNote BatchAnswer BatchJobAnswer BatchRequest Because
    CacheBatchRequest CatalogueReport CertificateEnum ChartAnswer ChartSource CheckStatus CountryEnum
    CountryWindow Counts CreditRole DataAnswer DecadeTaste DeletedEvents DoneEvent Doubles ErasedAnswer
    EventRequest EventResult EventStatus EventsAnswer EventsBody FacetCount FilteredAnswer
    FilteredRequest FiltersApplied GenreTaste Genres HistoryAnswer HistoryAnswerSourceEnum HistoryFile
    HistoryItem HistoryKind HistoryPage HomeAnswer HomeFilm HomeRow ImportedFile Insight InsightsAnswer JobAnswer
    JobStatus KeptMerge KindEnum KnownViewer Lacking LanguageTaste ListSource LiveAnswer MergeAnswer
    MergeRequest MessageType MissingFacts Movie MovieDetails MoviePage Namesakes Neighbour
    NeighbourSource NewMovie PatchedMovieValues PatchedProfileValues PeoplePage Person PersonTaste
    Problem ProblemError Profile ProfileAnswer ProfileValues Rate ReadyAnswer RecommendAnswer
    RecommendRequest RejectedAnswer RejectedRow RowSource Scored SeeAll SeenFilms SentHistory ServedFilm
    ServedList ShownFilm ShownList SimilarAnswer SimilarRequest StoredFilm SystemAnswer SystemCheck
    TasteAnswer TasteDirection Titled TokenScope TrackAnswer TrackBody TrackResult TrackStatus
    TrainedModel UndoAnswer UndoRequest UnmatchedLine UnmatchedRow ViewerTokenAnswer ViewerTokenRequest WaitingRow
    WrittenProfile
"""
DONE = {"200", "201", "202"}


@pytest.fixture
def contract():
    return json.loads(ApiClient().client.get("/schema?format=json").content)


def test_it_is_openapi_3_1_and_complete(contract):
    assert contract["openapi"].startswith("3.1")
    assert {
        "/recommend",
        "/recommend/filtered",
        "/similar",
        "/batch/recommend",
        "/batch/recommend/cache",
        "/events",
        "/jobs/{job_id}",
        "/popular",
        "/trending",
        "/latest",
        "/home",
        "/movies",
        "/movies/{movie_id}",
        "/people",
        "/genres",
        "/health/live",
        "/health/ready",
    } <= set(contract["paths"])
    for path, calls in contract["paths"].items():
        for call in calls.values():
            assert call["summary"], path
            assert DONE & set(call["responses"]), path


def test_components_keep_the_names_that_clients_generated(contract):
    assert set(contract["components"]["schemas"]) == set(COMPONENTS.split())


def test_enumerations_have_the_names_that_clients_generated(contract, settings):
    """A value more must not rename the type: its list of values in the settings has to follow."""
    schemas = contract["components"]["schemas"]
    for name, values in settings.SPECTACULAR_SETTINGS["ENUM_NAME_OVERRIDES"].items():
        assert schemas[name]["enum"] == values


def test_every_example_is_answered_as_promised(contract, site):
    sent = 0
    for path, calls in contract["paths"].items():
        for method, call in calls.items():
            content = call.get("requestBody", {}).get("content", {}).get("application/json", {})
            for example in content.get("examples", {}).values():
                status = min(DONE & set(call["responses"]))
                address = path.format(movie_id=1, user_id=ADA)
                body = getattr(site, method)(address, example["value"], expect=int(status))
                answer = call["responses"][status]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
                promised = contract["components"]["schemas"][answer]
                assert set(promised["required"]) <= set(body) <= set(promised["properties"]), path
                sent += 1
    assert sent == 13


def test_a_body_that_is_required_is_missed(contract, site):
    """A client that lost it must not reset a profile, nor hear that its message was taken."""
    site.patch(f"/users/{ADA}", {"age_limit": 12})
    missed = 0
    for path, calls in contract["paths"].items():
        for method, call in calls.items():
            body = call.get("requestBody", {})
            if "application/json" not in body.get("content", {}):
                continue
            answer = site.client.generic(method.upper(), path.format(movie_id=1, user_id=ADA), b"")
            assert answer.status_code == (400 if body.get("required") else 202), (method, path, answer.content)
            missed += answer.status_code == 400
    assert missed > 9
    assert site.get(f"/users/{ADA}")["age_limit"] == 12


def test_the_contract_has_every_field_of_a_request(contract):
    for serializer in (
        RecommendRequestSerializer,
        FilteredRequestSerializer,
        SimilarRequestSerializer,
        BatchRequestSerializer,
        EventRequestSerializer,
    ):
        component = contract["components"]["schemas"][serializer.__name__.removesuffix("Serializer")]
        assert set(component["properties"]) == set(serializer().fields)


def test_the_docs_are_a_page(site):
    page = site.client.get("/docs")

    assert page.headers["Content-Type"].startswith("text/html")
    assert b"swagger" in page.content
