"""What a viewer's token opens if its maker says so: their file, their data, lists together with others."""

import pytest

from catalog.models import Viewer
from recommender.api.access.throttles import RateThrottle
from recommender.models import ApiKey
from tests.support.api import ApiClient, recommended_ids
from tests.support.cast import ADA, BEN, CLEO, NEMO, PULP_FICTION

pytestmark = pytest.mark.usefixtures("model")
RATINGS = b"Const,Your Rating,Date Rated,Title,Title Type,Year\ntt0266543,9,2024-02-03,Finding Nemo,movie,2003\n"


@pytest.fixture
def token_for(client_with):
    """Return a function that makes an app with a viewer's token."""

    def make(viewer, scopes=("read",), companions=(), expect=200):
        site = client_with(ApiKey.Scope.READ, ApiKey.Scope.EVENTS, ApiKey.Scope.ERASE)
        body = {"user_id": viewer, "scopes": list(scopes), "companions": list(companions)}
        made = site.post("/viewer-tokens", body, expect=expect)
        return ApiClient(Authorization=f"Viewer-Token {made['token']}") if expect == 200 else made

    return make


def test_a_file_of_ones_own(token_for):
    path, csv = f"/users/{ADA}/history", {"content_type": "text/csv"}
    for scopes in (["read"], ["read", "events"], ["data"]):
        token_for(ADA, scopes).post(path, RATINGS, expect=403, **csv)
    app = token_for(ADA, ["read", "import"])
    app.post(f"/users/{BEN}/history", RATINGS, expect=403, **csv)

    report = app.post(f"{path}?dry_run=true", RATINGS, **csv)
    assert (report["source"], report["rows"], report["dry_run"]) == ("imdb", 1, True)
    assert app.post(path, RATINGS, **csv)["stored"] == 1
    app.post("/events", {"movie_id": str(NEMO), "kind": "like"}, expect=403)


def test_the_files_of_one_viewer_are_limited(token_for, monkeypatch):
    monkeypatch.setattr(RateThrottle, "THROTTLE_RATES", RateThrottle.THROTTLE_RATES | {"viewer_imports": "2/day"})
    app = token_for(ADA, ["import"])
    for expect in (200, 200, 429):
        app.post(f"/users/{ADA}/history?dry_run=true", RATINGS, expect=expect, content_type="text/csv")
    assert int(app.response.headers["Retry-After"]) > 0


def test_ones_own_data_and_its_erasure(token_for):
    path = f"/users/{ADA}/data"
    for scopes in (["read"], ["read", "events", "import"]):
        token_for(ADA, scopes).get(path, expect=403)
    app = token_for(ADA, ["read", "data"])
    app.get(f"/users/{BEN}/data", expect=403)
    app.delete(f"/users/{BEN}/data", expect=403)

    assert app.get(path)["user_id"] == ADA
    assert app.delete(path)["events"] > 0
    assert not Viewer.objects.filter(pk=ADA).exists()
    app.get(path, expect=401)


def test_a_key_that_may_not_erase_makes_no_token_that_may(client_with):
    reader = client_with(ApiKey.Scope.READ)
    for scope in ("data", "import", "events"):
        reader.post("/viewer-tokens", {"user_id": ADA, "scopes": [scope]}, expect=403)


def test_a_list_together_with_those_whom_the_site_names(token_for):
    body = {"user_ids": [ADA, BEN], "top_k": 10, "titles": True}
    token_for(ADA).post("/recommend", body, expect=403)
    app = token_for(ADA, companions=[BEN])
    for group in ([ADA, BEN, CLEO], [BEN, CLEO]):
        app.post("/recommend", body | {"user_ids": group}, expect=403)
    app.post("/recommend", body | {"user_id": BEN}, expect=403)
    app.get(f"/recommend?user_id={BEN}", expect=403)

    answer = app.post("/recommend", body)
    assert answer["user_ids"] == [ADA, BEN]
    seen = Viewer.objects.get(pk=BEN).events.values_list("movie_id", flat=True)
    assert not set(map(int, recommended_ids(answer))) & set(seen)
    assert app.post("/recommend/filtered", {"user_ids": [ADA, BEN], "genres": ["Crime"]})["user_ids"] == [ADA, BEN]


def test_a_token_ends_with_each_of_those_it_names(token_for, site):
    app = token_for(ADA, companions=[BEN])
    site.delete(f"/users/{BEN}/data")
    app.post("/recommend", {"user_ids": [ADA, BEN]}, expect=401)


def test_what_was_done_with_one_film(token_for):
    app = token_for(ADA, ["read", "events"])
    app.post("/events", {"movie_id": str(PULP_FICTION), "kind": "watchlist"})
    app.post("/events", {"movie_id": str(NEMO), "kind": "like"})

    page = app.get(f"/users/{ADA}/history?movie_id={PULP_FICTION}")
    assert {item["movie_id"] for item in page["results"]} == {str(PULP_FICTION)}
    assert page["results"][0]["kind"] == "watchlist"
    assert app.get(f"/users/{ADA}/history?movie_id=no-such-film")["results"] == []
    app.get(f"/users/{ADA}/ratings?movie_id={NEMO}", expect=400)
