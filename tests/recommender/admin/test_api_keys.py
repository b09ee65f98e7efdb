"""The pages of API keys: creation, rotation and revocation."""

import re

import pytest
from django.urls import reverse

from recommender.api.access import authentication
from recommender.models import ApiKey
from tests.support import forms
from tests.support.admin import open_page, submit_dialog

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_key_is_shown_once_and_works(admin_client, client):
    add = reverse("admin:recommender_apikey_add")
    fields = {"name": "site", "scopes": ["recommend:read", "events:write"]}
    response = forms.submit(admin_client, add, fields, follow=True)
    [message] = [str(message) for message in response.context["messages"] if "API key for site" in str(message)]
    secret = re.search(r"is: (\S+)\. ", message)[1]

    key = ApiKey.objects.get_from_key(secret)
    assert key.scopes == ["recommend:read", "events:write"]
    assert client.get("/recommend?user_id=1", headers={"Authorization": f"Api-Key {secret}"}).status_code == 200
    for name, ids in (("apikey_changelist", ()), ("apikey_change", (key.pk,))):
        assert secret not in open_page(admin_client, name, *ids)

    message = submit_dialog(admin_client, "apikey_rotate", key.pk)
    follower = ApiKey.objects.get_from_key(re.search(r"is: (\S+)\. ", message)[1])
    assert follower.scopes == key.scopes
    key.refresh_from_db()
    assert key.expiry_date is not None
    page = open_page(admin_client, "apikey_changelist")
    assert all(text in page for text in (key.prefix, follower.prefix, "events:write", "live"))


def test_a_revoked_key_opens_nothing_and_takes_no_scopes(admin_client, client, monkeypatch):
    monkeypatch.setattr(authentication, "CACHE_SECONDS", 0)  # a minute later
    key, secret = ApiKey.objects.create_key(name="site", scopes=["recommend:read"])
    headers = {"Authorization": f"Api-Key {secret}"}
    assert client.get("/recommend?user_id=1", headers=headers).status_code == 200

    path = reverse("admin:recommender_apikey_change", args=[key.pk])
    form_before = forms.find_form(admin_client.get(path))
    assert forms.submit(admin_client, path, {"revoked": True}).status_code == 302
    assert client.get("/recommend?user_id=1", headers=headers).status_code == 401
    assert "recommend:read" in open_page(admin_client, "apikey_change", key.pk)
    admin_client.post(path, forms.form_data(form_before, {"scopes": ["events:write", "users:erase"]}))
    key.refresh_from_db()
    assert (key.revoked, key.scopes) == (True, ["recommend:read"])


def test_a_revoked_key_is_not_rotated(admin_client):
    key, _ = ApiKey.objects.create_key(name="site", scopes=["recommend:read"])
    ApiKey.objects.filter(pk=key.pk).update(revoked=True)
    assert "is not live: nothing follows it" in submit_dialog(admin_client, "apikey_rotate", key.pk)
    assert ApiKey.objects.count() == 1


def test_deleted_keys_are_in_the_audit_log(admin_client):
    keys = [ApiKey.objects.create_key(name=name, scopes=["recommend:read"])[0] for name in ("site", "app")]
    path = reverse("admin:recommender_apikey_changelist")
    data = {"action": "delete_selected", "_selected_action": [key.pk for key in keys], "post": "yes"}
    assert admin_client.post(path, data).status_code == 302
    assert not ApiKey.objects.exists()
    log = open_page(admin_client, "auditentry_changelist")
    assert all(f"{key.name}: deleted" in log for key in keys)


def test_a_key_is_found_by_its_prefix(admin_client):
    key, _ = ApiKey.objects.create_key(name="site", scopes=["recommend:read"])
    ApiKey.objects.create_key(name="app", scopes=["recommend:read"])
    rows = admin_client.get("/admin/recommender/apikey/", {"q": key.prefix}).context["cl"].result_list
    assert [row.pk for row in rows] == [key.pk]
