"""What each role of staff may see and change."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from catalog.models import Movie, Rule, Viewer
from recommender import registry
from recommender.models import Job, ModelVersion
from tests.support.cast import ADA, BEN, NEMO
from tests.support.forms import find_form, form_data


def staff(role):
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.mark.parametrize(
    ("role", "visible", "forbidden"),
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
def test_a_role_sees_what_it_needs(cast, role, visible, forbidden):
    browser = staff(role)
    assert browser.get("/admin/").status_code == 200
    assert {path: browser.get(f"/admin/{path}").status_code for path in visible} == dict.fromkeys(visible, 200)
    assert {path: browser.get(f"/admin/{path}").status_code for path in forbidden} == dict.fromkeys(forbidden, 403)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("editor", {"save a movie", "save a rule"}),
        ("operator", {"erase", "recompute", "cancel", "promote"}),
        ("analyst", set()),
    ],
)
def test_a_role_changes_what_it_may_and_nothing_else(other_version, admin_client, role, allowed):
    browser, job = staff(role), Job.objects.create(kind=Job.Kind.BATCH)
    version, movie_page = Viewer.objects.get(pk=BEN).version, f"catalog/movie/{NEMO}/change/"
    rule = {"name": "Fish week", "action": "boost", "places": 1, "movie": NEMO}
    changes_by_name = {
        "save a movie": (movie_page, {"title": "Changed"}, "_save"),
        "save a rule": ("catalog/rule/add/", rule, "_save"),
        "erase": (f"catalog/viewer/{ADA}/erase/", {}, None),
        "recompute": (f"catalog/viewer/{BEN}/recompute/", {}, None),
        "cancel": (f"recommender/job/{job.pk}/cancel/", {}, None),
        "promote": (
            f"recommender/modelversion/{ModelVersion.objects.get(name=other_version).pk}/promote/",
            {"reason": "a hunch"},
            None,
        ),
    }
    # The forms as a superuser gets them.
    forms = {path: find_form(admin_client.get(f"/admin/{path}")) for path, *_ in changes_by_name.values()}
    statuses = {
        name: browser.post(f"/admin/{path}", form_data(forms[path], changes, button)).status_code
        for name, (path, changes, button) in changes_by_name.items()
    }
    assert {name for name, status in statuses.items() if status != 403} == allowed
    job.refresh_from_db()
    done = {
        "save a movie": Movie.objects.get(pk=NEMO).title == "Changed",
        "save a rule": Rule.objects.exists(),
        "erase": not Viewer.objects.filter(pk=ADA).exists(),
        "recompute": Viewer.objects.get(pk=BEN).version > version,
        "cancel": job.status == Job.Status.CANCELLED,
        "promote": registry.active_name() == other_version,
    }
    assert {name for name, happened in done.items() if happened} == allowed
