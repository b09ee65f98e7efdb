"""Two versions side by side, and what each role may see and do."""

import shutil

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from recommender import registry
from recommender.models import ModelVersion
from tests.cast import ADA, NEMO
from tests.model import NAME

COMPARE = "/admin/recommender/modelversion/compare/"


@pytest.fixture
def other(model, model_folder):
    history = [{"epoch": n, "loss": 3.0 - n, "ndcg10": 0.1 * n, "seconds": 1.0} for n in (1, 2)]
    shutil.copytree(model_folder, registry.folder("other"))
    facts = {"metrics": {"ndcg10": 0.25, "hr10": 0.5}, "data_hash": "same", "history": history}
    registry.register(registry.folder("other"), preset="brief", **facts)
    ModelVersion.objects.filter(name=NAME).update(metrics={"ndcg10": 0.2, "hr10": 0.6}, data_hash="same")
    yield "other"
    shutil.rmtree(registry.folder("other"))


def staff(role):
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    browser = Client()
    browser.force_login(user)
    return browser


def test_two_versions_stand_side_by_side(other, admin_client, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        answer = admin_client.get(COMPARE, {"a": NAME, "b": other, "lists": "on"})

    rows = {row.name: row for row in answer.context["tables"][0][1]}
    assert (rows["ndcg10"].figures, rows["ndcg10"].difference, rows["ndcg10"].state) == (
        ("0.2000", "0.2500"),
        "+0.0500",
        "good",
    )
    assert (rows["hr10"].difference, rows["hr10"].state) == ("-0.1000", "bad")
    assert answer.context["same_data"]
    assert {name for name, *_ in answer.context["curves"]} == {"loss", "ndcg10"}
    lists = dict(answer.context["viewers"])
    left, right, shared = lists[ADA]
    assert [card.movie_id for card in left] == [card.movie_id for card in right], "the same weights"
    assert (len(left), shared) == (10, 10)
    assert admin_client.get(COMPARE, {"a": "none", "b": other}).context["form"].errors


@pytest.mark.parametrize(
    ("role", "seen", "closed"),
    [
        (
            "editor",
            [f"catalog/movie/{NEMO}/change/", "catalog/rule/add/"],
            ["recommender/modelversion/", "recommender/apikey/"],
        ),
        (
            "operator",
            ["recommender/modelversion/", "recommender/apikey/add/", "recommender/job/"],
            ["catalog/rule/add/"],
        ),
        (
            "analyst",
            ["recommender/modelversion/", f"catalog/movie/{NEMO}/change/"],
            ["recommender/apikey/", "catalog/movie/add/"],
        ),
    ],
)
def test_a_role_sees_what_it_needs(cast, role, seen, closed):
    browser = staff(role)
    assert browser.get("/admin/").status_code == 200
    assert {path: browser.get(f"/admin/{path}").status_code for path in seen} == dict.fromkeys(seen, 200)
    assert {path: browser.get(f"/admin/{path}").status_code for path in closed} == dict.fromkeys(closed, 403)


def test_an_analyst_changes_nothing(model):
    browser = staff("analyst")
    answer = browser.post(f"/admin/catalog/movie/{NEMO}/change/", {"title": "Changed"})
    assert answer.status_code == 403
