"""The pages of model versions: metrics, promotion and rollback."""

import shutil

import pytest
from django.urls import reverse

from recommender import registry, tasks
from recommender.models import ModelVersion
from recommender.training.evidence import LEARNED, POPULARITY
from tests.support.admin import open_page, submit_dialog
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN

pytestmark = pytest.mark.django_db(transaction=True)


LEVEL = {"hr10": 0.4, "ndcg10": 0.1, "difference": 0.03, "low": -0.01, "high": 0.07, "seconds": 0.2}
NEXT_VISIT = {
    "visits": 412,
    "ranked": {
        **{name: LEVEL | {"ndcg10": 0.05, "difference": 0.08, "low": 0.02} for name in POPULARITY},
        **dict.fromkeys(LEARNED, LEVEL),
        "candidate": LEVEL | {"ndcg10": 0.13},
        "active": LEVEL | {"ndcg10": 0.12},
        "popularity_3": LEVEL | {"ndcg10": 0.1431, "difference": -0.0131, "low": -0.0202, "high": -0.0011},
        "ease": LEVEL | {"ndcg10": 0.1501, "difference": -0.0201, "low": -0.03, "high": -0.01},
    },
}


@pytest.fixture
def second(model, model_folder):
    """A candidate with everything that a nightly run measures."""
    folder = registry.folder("second")
    shutil.copytree(model_folder, folder)
    metrics = {"ndcg10": 0.1234, "hr10": 0.2, "baselines": {"popularity": {"ndcg10": 0.05, "hr10": 0.1}}}
    metrics["active"] = {"name": model.name, "ndcg10": 0.12, "hr10": 0.19}
    checks = [{"name": "Better than popularity", "passed": True, "told": "0.1234 against 0.0500"}]
    drama = {"targets": 120.0, "candidate": 0.11, "active": 0.10, "difference": 0.01, "low": -0.0321, "high": 0.05}
    lists = {"candidate": {"coverage": 0.4567}, "active": {"coverage": 0.4}}
    metrics["gate"] = {"checks": checks, "segments": {"Drama": drama}, "lists": lists, "next_visit": NEXT_VISIT}
    yield registry.register(folder, preset="basic", metrics=metrics, history=[{"epoch": 1, "loss": 4.5}])
    shutil.rmtree(folder)


def test_a_version_shows_its_metrics_beside_the_others(admin_client, second):
    assert "0.1234" in open_page(admin_client, "modelversion_changelist")
    page = open_page(admin_client, "modelversion_change", second.pk)
    for text in ("popularity", "0.0500", "active model", "0.1200", "4.5000", "0.1234 against 0.0500", "-0.0321"):
        assert text in page
    assert "0.4567" in page.split("What the lists are like")[1].split("By epoch")[0]


def test_a_version_shows_how_it_does_for_the_next_visit(admin_client, second, model):
    page = open_page(admin_client, "modelversion_change", second.pk)
    table = page.split("For the next visit")[1].split("</table>")[0]
    assert "worse than the best popular list, the films popular in the last 3 days." in table
    assert "They are worse than films that the same people watch (EASE)." in table
    assert "Measured on 412 visits" in table
    titles = [row.split("<svg")[0] for row in table.split('<th scope="row">')[1:]]
    assert titles[:4] == [
        "films that the same people watch (EASE)",
        "the films popular in the last 3 days",
        "this model",
        f"the active model then, {model.name}",
    ]
    assert len(titles) == 12
    assert table.count(">worse</td>") == 2
    assert table.count(">better</td>") == 5
    assert "-0.0202 to -0.0011" in table


def test_a_version_without_metrics_has_a_page(admin_client, model):
    page = open_page(admin_client, "modelversion_change", model.pk)
    assert page.count("Not measured.") == 6


def test_promotion_and_rollback_store_the_reason_and_who_gave_it(admin_client, second, model):
    assert "required" in submit_dialog(admin_client, "modelversion_promote", second.pk)
    assert registry.active_name() == model.name

    assert "second is active" in submit_dialog(admin_client, "modelversion_promote", second.pk, reason="a hunch")
    second.refresh_from_db()
    assert (second.status, second.reason) == ("active", "a hunch (admin, in the admin)")

    assert "active again" in submit_dialog(admin_client, "modelversion_rollback", reason="a mistake")
    assert registry.active_name() == model.name


def test_rollback_without_a_previous_version_is_refused_with_a_message(admin_client, model):
    message = submit_dialog(admin_client, "modelversion_rollback", reason="a mistake")
    assert message
    assert "active again" not in message
    assert registry.active_name() == model.name


def test_a_version_that_cannot_be_loaded_is_refused_on_the_page(admin_client, second, model):
    (registry.folder("second") / "weights.safetensors").write_bytes(b"cut")
    assert "cannot go live" in submit_dialog(admin_client, "modelversion_promote", second.pk, reason="a hunch")
    assert registry.active_name() == model.name
    assert "refused" in open_page(admin_client, "modelversion_changelist")


def test_only_staff_with_the_permission_may_promote(client, django_user_model, second, model):
    client.force_login(django_user_model.objects.create_user("reader", is_staff=True))
    response = client.post(reverse("admin:recommender_modelversion_promote", args=[second.pk]), {"reason": "x"})
    assert response.status_code == 403
    assert registry.active_name() == model.name


def test_nobody_adds_a_version_or_deletes_the_active_one(admin_client, second, model):
    assert admin_client.get(reverse("admin:recommender_modelversion_add")).status_code == 403
    assert admin_client.post(reverse("admin:recommender_modelversion_delete", args=[model.pk])).status_code == 403
    assert ModelVersion.objects.filter(pk=model.pk).exists()
    confirmed = admin_client.post(reverse("admin:recommender_modelversion_delete", args=[second.pk]), {"post": "yes"})
    assert confirmed.status_code == 302
    assert not ModelVersion.objects.filter(pk=second.pk).exists()


def test_a_version_shows_what_came_of_its_lists(admin_client, site, model):
    page = open_page(admin_client, "modelversion_change", model.pk)
    assert "Not measured." in page.split("of those that viewers got")[1].split("</tr>")[0].split("The first film")[0]
    for viewer in (ADA, BEN):
        answer = site.get(f"/recommend?user_id={viewer}&top_k=4")
        films = recommended_ids(answer)
        told = {"user_id": viewer, "recommendation_id": answer["recommendation_id"]}
        site.post("/events", [{**told, "movie_id": film, "kind": "impression"} for film in films])
    site.post("/events", {**told, "movie_id": films[0], "kind": "click"})
    tasks.store_served_lists()
    tasks.sum_up_outcomes()
    table = open_page(admin_client, "modelversion_change", model.pk).split("of those that viewers got")[1]
    row = table.split("this model")[1].split("</tr>")[0]
    assert ">2<" in row.replace(" ", "").replace("\n", "")
    assert "12.50%" in row, "one of eight"
