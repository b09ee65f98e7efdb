"""The page that compares two model versions."""

from django.contrib.auth.models import Permission, User

from recommender.models import ModelVersion
from tests.support.cast import ADA
from tests.support.tiny_model import TINY_MODEL

COMPARE = "/admin/recommender/modelversion/compare/"


def test_two_versions_are_compared_in_few_queries(other_version, admin_client, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        page = admin_client.get(COMPARE, {"a": TINY_MODEL, "b": other_version, "lists": "on"})

    rows = {row.name: row for row in page.context["tables"][0][1]}
    assert (rows["ndcg10"].figures, rows["ndcg10"].difference, rows["ndcg10"].state) == (
        ("0.2000", "0.2500"),
        "+0.0500",
        "good",
    )
    assert (rows["hr10"].difference, rows["hr10"].state) == ("-0.1000", "bad")
    assert page.context["same_data"]
    assert {name for name, *_ in page.context["curves"]} == {"loss", "ndcg10"}
    lists = {viewer: lists for viewer, _, lists in page.context["viewers"]}
    left, right, shared = lists[ADA]
    assert [card.movie_id for card in left] == [card.movie_id for card in right], "the same weights"
    assert (len(left), shared) == (10, 10)
    assert admin_client.get(COMPARE, {"a": "none", "b": other_version}).context["form"].errors


def test_lists_need_the_permission_to_see_viewers(other_version, client):
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_modelversion"))
    client.force_login(reader)
    page = client.get(COMPARE, {"a": TINY_MODEL, "b": other_version, "lists": "on"})
    assert page.context["tables"]
    assert "viewers" not in page.context


def test_without_the_permission_to_see_versions_there_is_no_comparison(other_version, client):
    client.force_login(User.objects.create_user("reader", is_staff=True))
    assert client.get(COMPARE).status_code == 403


def test_the_active_version_is_compared_with_the_newest_other_one(other_version, admin_client):
    page = admin_client.get(COMPARE)
    assert [version.name for version in page.context["versions"]] == [TINY_MODEL, other_version]
    assert "viewers" not in page.context


def test_a_metric_that_one_version_lacks_has_no_difference(other_version, admin_client):
    ModelVersion.objects.filter(name=other_version).update(metrics={"hr10": 0.5, "coverage": 0.5})
    page = admin_client.get(COMPARE, {"a": TINY_MODEL, "b": other_version})
    rows = {row.name: row for row in page.context["tables"][0][1]}
    assert rows["ndcg10"].figures == ("0.2000", "-")
    assert (rows["ndcg10"].difference, rows["ndcg10"].state) == ("-", "")
    assert rows["coverage"].figures == ("-", "0.5000")
