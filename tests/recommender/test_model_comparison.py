"""Two versions side by side, and what each role may see and do."""

import shutil

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from catalog.models import Movie, Rule, Viewer
from recommender import registry
from recommender.models import Job, ModelVersion
from tests.support.cast import ADA, BEN, NEMO
from tests.support.forms import find_form, form_data
from tests.support.tiny_model import TINY_MODEL

COMPARE = "/admin/recommender/modelversion/compare/"


@pytest.fixture
def other(model, model_folder):
    history = [{"epoch": n, "loss": 3.0 - n, "ndcg10": 0.1 * n, "seconds": 1.0} for n in (1, 2)]
    shutil.copytree(model_folder, registry.folder("other"))
    facts = {"metrics": {"ndcg10": 0.25, "hr10": 0.5}, "data_hash": "same", "history": history}
    registry.register(registry.folder("other"), preset="brief", **facts)
    ModelVersion.objects.filter(name=TINY_MODEL).update(metrics={"ndcg10": 0.2, "hr10": 0.6}, data_hash="same")
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
        answer = admin_client.get(COMPARE, {"a": TINY_MODEL, "b": other, "lists": "on"})

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


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("editor", {"save a film", "save a rule"}),
        ("operator", {"erase", "recompute", "cancel", "promote"}),
        ("analyst", set()),
    ],
)
def test_a_role_does_what_is_its_own_and_nothing_else(other, admin_client, role, may):
    browser, job = staff(role), Job.objects.create(kind=Job.Kind.BATCH)
    version, film = Viewer.objects.get(pk=BEN).version, f"catalog/movie/{NEMO}/change/"
    rule = {"name": "Fish week", "action": "boost", "places": 1, "movie": NEMO}
    deeds = {
        "save a film": (film, {"title": "Changed"}, "_save"),
        "save a rule": ("catalog/rule/add/", rule, "_save"),
        "erase": (f"catalog/viewer/{ADA}/erase/", {}, None),
        "recompute": (f"catalog/viewer/{BEN}/recompute/", {}, None),
        "cancel": (f"recommender/job/{job.pk}/cancel/", {}, None),
        "promote": (
            f"recommender/modelversion/{ModelVersion.objects.get(name=other).pk}/promote/",
            {"reason": "a hunch"},
            None,
        ),
    }
    # The forms are those that somebody gets who may do everything.
    forms = {path: find_form(admin_client.get(f"/admin/{path}")) for path, *_ in deeds.values()}
    answers = {
        deed: browser.post(f"/admin/{path}", form_data(forms[path], changes, button)).status_code
        for deed, (path, changes, button) in deeds.items()
    }
    assert {deed for deed, status in answers.items() if status != 403} == may
    job.refresh_from_db()
    done = {
        "save a film": Movie.objects.get(pk=NEMO).title == "Changed",
        "save a rule": Rule.objects.exists(),
        "erase": not Viewer.objects.filter(pk=ADA).exists(),
        "recompute": Viewer.objects.get(pk=BEN).version > version,
        "cancel": job.status == Job.Status.CANCELLED,
        "promote": registry.active_name() == other,
    }
    assert {deed for deed, happened in done.items() if happened} == may
