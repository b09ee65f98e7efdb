"""The demo's viewers for the storefront: faces that differ, tokens for them alone, closed elsewhere."""

import io

import pytest
from django.core.management import call_command

from catalog import services
from catalog.limits import DEMO_ID_BASE
from recommender.models import ApiKey
from tests.support.api import ApiClient
from tests.support.tiny_model import clear_caches

VIEWER = DEMO_ID_BASE + 1
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def demo(transactional_db, api):
    clear_caches()
    call_command("load_demo", viewers=30, stdout=io.StringIO())
    yield api
    clear_caches()


def as_viewer(demo, **body):
    made = demo.post("/demo/viewer-tokens", body)
    return made["user_id"], ApiClient(Authorization=f"Viewer-Token {made['token']}")


def test_faces_are_drawn_from_taste(demo):
    faces = demo.get("/demo/viewers")["viewers"]
    assert 3 <= len(faces) <= 12
    assert len({face["user_id"] for face in faces}) == len(faces)
    for face in faces:
        assert (len(face["genres"]), len(face["films"])) == (3, 2)
        assert all(film["title"] and film["genres"] for film in face["films"])
    assert len({tuple(face["genres"]) for face in faces}) > 2
    assert demo.get("/demo/viewers")["viewers"] == faces


def test_a_token_is_the_viewer_and_does_what_the_page_does(demo):
    viewer, app = as_viewer(demo, user_id=VIEWER)
    film = app.get("/home")["rows"][0]["films"][0]["movie_id"]
    stored = app.post("/events", {"movie_id": film, "kind": "watch"})
    assert (viewer, stored["stored"]) == (VIEWER, 1)
    assert film not in str(app.get("/home")["rows"][0]["films"])
    assert app.get(f"/users/{VIEWER}/history")["results"][0]["movie_id"] == film
    assert app.get(f"/users/{VIEWER}/data")["events"]
    _, group = as_viewer(demo, user_id=VIEWER, companions=[VIEWER + 1])
    assert group.post("/recommend", {"user_ids": [VIEWER, VIEWER + 1]})["recommendations"]
    assert ApiKey.objects.filter(name__contains="storefront").count() == 1


def test_somebody_new_begins_without_a_history_and_the_demo_stays(demo):
    viewer, app = as_viewer(demo)
    assert not app.get("/home")["is_known_user"]
    app.post("/events", {"movie_id": str(DEMO_ID_BASE + 1), "kind": "like"})
    ratings = b"Const,Your Rating,Date Rated,Title,Title Type,Year\ntt0133093,9,2024-02-03,The Matrix,movie,1999\n"
    assert app.post(f"/users/{viewer}/history", ratings, content_type="text/csv")["stored"] == 1
    again, _ = as_viewer(demo, user_id=viewer)
    assert again == viewer
    assert demo.get("/demo/viewers")["viewers"]


def test_it_is_closed_to_others_elsewhere_and_for_others(demo, settings):
    demo.post("/demo/viewer-tokens", {"user_id": 4711}, expect=403)
    demo.post("/demo/viewer-tokens", {"user_id": "somebody"}, expect=403)
    demo.post("/demo/viewer-tokens", {"user_id": VIEWER, "companions": ["somebody"]}, expect=403)
    demo.post("/demo/viewer-tokens", {"viewer": VIEWER}, expect=400)
    for headers in ({"X-Forwarded-For": "203.0.113.9"}, {"Origin": "https://evil.example"}):
        ApiClient(**headers).post("/demo/viewer-tokens", {"user_id": VIEWER}, expect=404)
    for name, value in (("PRODUCTION", True), ("BEHIND_PROXY", True), ("API_OPEN", False), ("STOREFRONT", False)):
        before = getattr(settings, name)
        setattr(settings, name, value)
        demo.get("/demo/viewers", expect=404)
        demo.post("/demo/viewer-tokens", {"user_id": VIEWER}, expect=404)
        setattr(settings, name, before)
    services.remove_demo()
    demo.post("/demo/viewer-tokens", {"user_id": VIEWER}, expect=404)


def test_staff_can_close_it_by_revoking_its_key(demo):
    as_viewer(demo, user_id=VIEWER)
    ApiKey.objects.filter(name__contains="storefront").update(revoked=True)
    demo.post("/demo/viewer-tokens", {"user_id": VIEWER}, expect=403)
