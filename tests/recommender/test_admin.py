"""The operator's pages, as a browser asks for them."""

import re
import shutil
import uuid

import pytest
from django.contrib.admin.utils import quote
from django.urls import reverse

from recommender import registry
from recommender.admin import impressions
from recommender.api.access import authentication
from recommender.models import ApiKey, Impression, Job, ModelVersion
from tests.support import forms
from tests.support.cast import ADA, AMELIE, BEN, STAR_WARS

pytestmark = pytest.mark.django_db(transaction=True)


def page(client, name, *args):
    answer = client.get(reverse(f"admin:recommender_{name}", args=args))
    assert answer.status_code == 200
    return answer.content.decode()


def submit(client, name, *args, **fields):
    """A dialog's form, opened as its page has it; returns the messages of the page that it leads to."""
    path = reverse(f"admin:recommender_{name}", args=[quote(one) for one in args])
    answer = forms.submit(client, path, fields, button=None)
    assert answer.status_code == 200
    onward = answer.headers.get("HX-Redirect")
    if onward is None:
        return answer.content.decode()
    return " ".join(str(message) for message in client.get(onward).context["messages"])


@pytest.fixture
def second(model, model_folder):
    folder = registry.folder("second")
    shutil.copytree(model_folder, folder)
    figures = {"ndcg10": 0.1234, "hr10": 0.2, "baselines": {"popularity": {"ndcg10": 0.05, "hr10": 0.1}}}
    figures["active"] = {"name": model.name, "ndcg10": 0.12, "hr10": 0.19}
    checks = [{"name": "Better than popularity", "passed": True, "told": "0.1234 against 0.0500"}]
    drama = {"targets": 120.0, "candidate": 0.11, "active": 0.10, "difference": 0.01, "low": -0.0321, "high": 0.05}
    lists = {"candidate": {"coverage": 0.4567}, "active": {"coverage": 0.4}}
    figures["gate"] = {"checks": checks, "segments": {"Drama": drama}, "lists": lists}
    yield registry.register(folder, preset="brief", metrics=figures, history=[{"epoch": 1, "loss": 4.5}])
    shutil.rmtree(folder)


def test_a_version_shows_its_figures_beside_the_others(admin_client, second):
    assert "0.1234" in page(admin_client, "modelversion_changelist")
    shown = page(admin_client, "modelversion_change", second.pk)
    for words in ("popularity", "0.0500", "active model", "0.1200", "4.5000", "0.1234 against 0.0500", "-0.0321"):
        assert words in shown
    assert "0.4567" in shown.split("What the lists are like")[1].split("By epoch")[0]


def test_promoting_and_rolling_back_keep_who_and_why(admin_client, second, model):
    assert "required" in submit(admin_client, "modelversion_promote", second.pk)
    assert registry.active_name() == model.name

    assert "second is active" in submit(admin_client, "modelversion_promote", second.pk, reason="a hunch")
    second.refresh_from_db()
    assert (second.status, second.reason) == ("active", "a hunch (admin, in the admin)")

    assert "active again" in submit(admin_client, "modelversion_rollback", reason="a mistake")
    assert registry.active_name() == model.name


def test_a_version_that_cannot_be_read_is_refused_on_the_page(admin_client, second, model):
    (registry.folder("second") / "weights.safetensors").write_bytes(b"cut")
    assert "cannot go live" in submit(admin_client, "modelversion_promote", second.pk, reason="a hunch")
    assert registry.active_name() == model.name
    assert "refused" in page(admin_client, "modelversion_changelist")


def test_only_staff_with_the_right_may_promote(client, django_user_model, second, model):
    client.force_login(django_user_model.objects.create_user("reader", is_staff=True))
    answer = client.post(reverse("admin:recommender_modelversion_promote", args=[second.pk]), {"reason": "x"})
    assert answer.status_code == 403
    assert registry.active_name() == model.name


def test_a_job_shows_how_far_it_is_and_can_be_cancelled(admin_client):
    job = Job.objects.create(
        kind=Job.Kind.BATCH, status="running", done=1200, total=4000, phase="lists", log_tail="a line of the log"
    )
    shown = page(admin_client, "job_change", job.pk)
    assert "1,200 of 4,000" in shown
    assert "a line of the log" in shown

    assert "Cancelled" in submit(admin_client, "job_cancel", job.pk)
    job.refresh_from_db()
    assert job.status == "cancelled"
    assert "ended already" in submit(admin_client, "job_cancel", job.pk)


def test_a_run_is_started_once(admin_client):
    assert "Started" in submit(admin_client, "job_start_nightly")
    assert "waiting or running" in submit(admin_client, "job_start_nightly")
    assert Job.objects.get().status == "queued"
    assert "Started" in submit(admin_client, "job_start_batch")


def test_a_get_starts_nothing(admin_client):
    page(admin_client, "job_start_nightly")
    assert not Job.objects.exists()


def test_a_key_is_shown_once_and_works(admin_client, client):
    add = reverse("admin:recommender_apikey_add")
    asked = {"name": "site", "scopes": ["recommend:read", "events:write"]}
    answer = forms.submit(admin_client, add, asked, follow=True)
    [told] = [str(message) for message in answer.context["messages"] if "API key for site" in str(message)]
    key = re.search(r"is: (\S+)\. ", told)[1]

    made = ApiKey.objects.get_from_key(key)
    assert made.scopes == ["recommend:read", "events:write"]
    assert client.get("/recommend?user_id=1", headers={"Authorization": f"Api-Key {key}"}).status_code == 200
    for name, args in (("apikey_changelist", ()), ("apikey_change", (made.pk,))):
        assert key not in page(admin_client, name, *args)

    told = submit(admin_client, "apikey_rotate", made.pk)
    follower = ApiKey.objects.get_from_key(re.search(r"is: (\S+)\. ", told)[1])
    assert follower.scopes == made.scopes
    made.refresh_from_db()
    assert made.expiry_date is not None
    shown = page(admin_client, "apikey_changelist")
    assert all(words in shown for words in (made.prefix, follower.prefix, "events:write", "live"))


def test_a_revoked_key_opens_nothing_and_takes_no_scopes(admin_client, client, monkeypatch):
    monkeypatch.setattr(authentication, "CACHE_SECONDS", 0)  # a minute later
    made, key = ApiKey.objects.create_key(name="site", scopes=["recommend:read"])
    asked = {"headers": {"Authorization": f"Api-Key {key}"}}
    assert client.get("/recommend?user_id=1", **asked).status_code == 200

    path = reverse("admin:recommender_apikey_change", args=[made.pk])
    open_before = forms.find_form(admin_client.get(path))
    assert forms.submit(admin_client, path, {"revoked": True}).status_code == 302
    assert client.get("/recommend?user_id=1", **asked).status_code == 401
    assert "recommend:read" in page(admin_client, "apikey_change", made.pk)
    admin_client.post(path, forms.form_data(open_before, {"scopes": ["events:write", "users:erase"]}))
    made.refresh_from_db()
    assert (made.revoked, made.scopes) == (True, ["recommend:read"])


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("job_cancel", "no-uuid"),
        ("job_cancel", uuid.UUID(int=1)),
        ("modelversion_promote", 999),
        ("modelversion_promote", "no-number"),
        ("apikey_rotate", "no-key"),
    ],
)
def test_a_deed_to_what_is_gone_is_not_found(admin_client, name, record):
    address = reverse(f"admin:recommender_{name}", args=[record])
    assert admin_client.post(address, {"_form_submitted": True, "reason": "a hunch"}).status_code == 404


def test_what_was_shown_can_be_looked_up(admin_client, monkeypatch):
    Impression.objects.create(occurred_at="2024-03-01T12:00Z", viewer_id=BEN, movie_id=AMELIE, kind=1)
    rows = [Impression(occurred_at="2024-03-01T12:00Z", viewer_id=ADA, movie_id=STAR_WARS, kind=1) for _ in range(3)]
    Impression.objects.bulk_create(rows)
    Impression.objects.filter(movie_id=AMELIE).update(recommendation_id="5f")

    def found(text):
        rows = admin_client.get(reverse("admin:recommender_impression_changelist"), {"q": text}).context["cl"]
        return rows.result_count, {row.movie_id for row in rows.result_list}

    assert found(str(ADA)) == (3, {STAR_WARS})
    assert found(str(AMELIE)) == found("5f") == found(str(BEN)) == (1, {AMELIE})
    assert found("nobody") == found("9" * 30) == (0, set())
    monkeypatch.setattr(impressions, "MAX_PAGED_ROWS", 2)
    monkeypatch.setattr(impressions, "MAX_SEARCHED_ROWS", 3)
    assert found(str(AMELIE)) == found("5f") == (0, set()), "too long ago"
    assert found("")[0] == 2, "pages end there"


def test_no_page_invents_a_version_or_deletes_the_active_one(admin_client, model):
    assert admin_client.get(reverse("admin:recommender_modelversion_add")).status_code == 403
    assert admin_client.post(reverse("admin:recommender_modelversion_delete", args=[model.pk])).status_code == 403
    assert ModelVersion.objects.filter(pk=model.pk).exists()
