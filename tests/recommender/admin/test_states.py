"""What staff can do with a record is what its state allows; alerts and switches say how things stand."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender import registry, tasks
from recommender.experiments import lifecycle
from recommender.models import Alert, ApiKey, Experiment, Job, ModelVersion
from tests.support.tiny_model import TINY_MODEL

CHANGE = "admin:recommender_{}_change"


def offered(client: Client, kind: str, pk: object, page: str = "change") -> list[str]:
    """Return the titles of the actions on a record's page, or on its list."""
    address = reverse(f"admin:recommender_{kind}_{page}", args=[pk] if page == "change" else [])
    response = client.get(address)
    assert response.status_code == 200
    name = "actions_detail" if page == "change" else "actions_list"
    return [str(action["title"]) for action in response.context[name]]


def test_an_experiment_offers_what_its_state_allows(model, admin_client):
    experiment = Experiment.objects.create(name="mixed", hypothesis="More is clicked.")
    experiment.arms.create(name="as before")
    arm = experiment.arms.create(name="mixed", diversity=0.5)
    page = reverse(CHANGE.format("experiment"), args=[experiment.pk])

    assert offered(admin_client, "experiment", experiment.pk) == ["Start"]
    arm.recipe = "default max_len=100"
    arm.save()
    assert offered(admin_client, "experiment", experiment.pk) == ["Train models", "Start"]
    arm.recipe = ""
    arm.save()
    lifecycle.start(experiment.pk)
    assert offered(admin_client, "experiment", experiment.pk) == ["Stop", "Ship an arm"]
    dialog = reverse("admin:recommender_experiment_ship", args=[experiment.pk])
    form = admin_client.get(dialog).content.decode()
    assert ">as before</option>" in form
    wrong = admin_client.post(dialog, {"reason": "it won", "arm": "another", "_form_submitted": "1"})
    assert "HX-Redirect" not in wrong.headers
    done = admin_client.post(dialog, {"reason": "it won", "arm": "mixed", "is_meant": "on", "_form_submitted": "1"})
    assert done.headers["HX-Redirect"] == page
    assert offered(admin_client, "experiment", experiment.pk) == ["Roll back"]
    late = reverse("admin:recommender_experiment_stop", args=[experiment.pk])  # of a page that is out of date
    admin_client.post(late, {"reason": "too late", "_form_submitted": "1"})
    assert [str(told) for told in admin_client.get(page).context["messages"]][-1] == "It is shipped, not running."
    lifecycle.roll_back(experiment.pk, "it lost")
    assert offered(admin_client, "experiment", experiment.pk) == []


def test_a_model_offers_promotion_where_it_can_be_promoted(other_version, admin_client):
    active, other = (ModelVersion.objects.get(name=name) for name in (TINY_MODEL, other_version))
    assert offered(admin_client, "modelversion", active.pk) == []
    assert offered(admin_client, "modelversion", other.pk) == ["Promote"]
    assert offered(admin_client, "modelversion", None, "changelist") == ["Compare two"]
    registry.activate(other_version, "it is better")
    assert offered(admin_client, "modelversion", active.pk) == ["Promote"]
    assert offered(admin_client, "modelversion", None, "changelist") == ["Compare two", "Roll back"]
    ModelVersion.objects.filter(pk=active.pk).update(data_set=active.data_set + 1)
    assert offered(admin_client, "modelversion", active.pk) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "status", "parameters", "actions"),
    [
        (Job.Kind.BATCH, Job.Status.QUEUED, {}, ["Cancel"]),
        (Job.Kind.NIGHTLY, Job.Status.RUNNING, {}, ["Cancel"]),
        (Job.Kind.NIGHTLY, Job.Status.DONE, {}, []),
        (Job.Kind.NIGHTLY, Job.Status.FAILED, {}, []),
        (Job.Kind.BATCH, Job.Status.CANCELLED, {}, []),
        (Job.Kind.IMPORT, Job.Status.RUNNING, {"of": "movies"}, ["Cancel", "Take back"]),
        (Job.Kind.IMPORT, Job.Status.DONE, {"of": "movies"}, ["Take back"]),
        (Job.Kind.IMPORT, Job.Status.DONE, {"of": "movies", "dry_run": True}, []),
    ],
)
def test_a_job_offers_what_its_state_allows(admin_client, kind, status, parameters, actions):
    job = Job.objects.create(kind=kind, status=status, parameters=parameters)
    assert offered(admin_client, "job", job.pk) == actions


@pytest.mark.django_db
def test_a_key_is_rotated_while_it_is_live(admin_client):
    key, _ = ApiKey.objects.create_key(name="site", scopes=["recommend:read"])
    assert offered(admin_client, "apikey", key.pk) == ["Rotate"]
    ApiKey.objects.filter(pk=key.pk).update(expiry_date=timezone.now() - timedelta(days=1))
    assert offered(admin_client, "apikey", key.pk) == []
    ApiKey.objects.filter(pk=key.pk).update(expiry_date=None, revoked=True)
    assert offered(admin_client, "apikey", key.pk) == []


@pytest.mark.django_db
def test_alerts_are_read_by_those_who_watch(admin_client, client):
    list_page = reverse("admin:recommender_alert_changelist")
    assert "red for two rounds of a minute" in admin_client.get(list_page).content.decode()
    version = ModelVersion.objects.create(name="old", preset="basic", status="active")
    ModelVersion.objects.filter(pk=version.pk).update(created_at=timezone.now() - timedelta(days=9))
    tasks.watch_system()
    tasks.watch_system()

    analyst = User.objects.create_user("watches", is_staff=True)
    analyst.groups.add(Group.objects.get(name="analyst"))
    client.force_login(analyst)

    def rows(**query):
        page = client.get(list_page, query)
        return {alert.label: alert.ended_at is None for alert in page.context["cl"].result_list}, page.content.decode()

    listed, text = rows()
    assert listed["Age of the model"]
    assert "nightly" in text, "it says what to do"
    assert "bad now" in text
    links = [item["title"] for group in client.get(list_page).context["sidebar_navigation"] for item in group["items"]]
    assert links[:2] == ["Today", "Alerts"]
    alert = Alert.objects.get(check_name="model", ended_at=None)
    address = reverse(CHANGE.format("alert"), args=[alert.pk])
    assert client.get(address).status_code == 200
    assert client.post(address, {"label": "x"}).status_code == 403

    ModelVersion.objects.filter(pk=version.pk).update(created_at=timezone.now())
    tasks.watch_system()
    assert rows(state="over")[0] == {"Age of the model": False}
    assert "Age of the model" not in rows(state="open")[0]
    assert list(rows()[0])[-1] == "Age of the model", "what is bad now stands first"
    analyst.groups.set([Group.objects.get(name="editor")])
    assert client.get(list_page).status_code == 403


@pytest.mark.django_db
def test_new_films_say_whether_they_get_a_place(admin_client, settings):
    page = reverse("admin:recommender_newfilm_changelist")
    assert "MOVIEREC_NEW_FILM_SHARE is 0" in admin_client.get(page).content.decode()
    settings.NEW_FILM_SHARE = 0.1
    assert "10% of the personal lists have a place" in admin_client.get(page).content.decode()
