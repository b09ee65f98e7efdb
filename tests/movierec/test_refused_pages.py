"""What a browser is shown where the admin refuses or fails: a page that says what to do, in the admin's language."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
LOGIN = "/admin/login/"
WRONG = {"username": "ed", "password": "a guess"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
    return Client(headers={"Accept": BROWSER}, raise_request_exception=False)


def told(answer, status, *words):
    page = answer.content.decode()
    assert answer.status_code == status
    for part in ('<html lang="en">', "<main>", "<h1>", 'href="/admin/"', *words):
        assert part in page, page


def test_what_is_not_there_is_not_allowed_or_cannot_be_read(browser, monkeypatch):
    browser.force_login(get_user_model().objects.create_user("new", is_staff=True))
    told(browser.get("/admin/nothing/"), 404, "There is nothing at this address")
    told(browser.get("/admin/catalog/movie/"), 403, "You may not do this")
    monkeypatch.setattr("recommender.admin.dashboard.dashboard_callback", lambda *_: 1 / 0)
    monkeypatch.setattr("django.contrib.admin.sites.AdminSite.get_app_list", lambda *_, **__: 1 / 0)
    failed = browser.get("/admin/")
    told(failed, 500, "Something failed", failed.headers["X-Request-ID"])


def test_a_filter_that_does_not_fit_is_no_broken_database(browser):
    browser.force_login(get_user_model().objects.create_superuser("ed"))
    answer = browser.get("/admin/catalog/movie/?nothing=1", follow=True)
    answer = browser.get("/admin/catalog/movie/?nothing=1&e=1")
    told(answer, 200, "The list cannot be shown")
    assert "database" not in answer.content.decode()


def test_a_form_that_is_too_old_says_what_to_do():
    answer = Client(enforce_csrf_checks=True, headers={"Accept": BROWSER}).post(LOGIN, WRONG)
    told(answer, 403, "The form was too old", "MOVIEREC_TRUSTED_ORIGINS")


def test_a_closed_login_says_for_how_long(browser):
    answers = [browser.post(LOGIN, WRONG) for _ in range(5)]
    told(answers[-1], 429, "5 logins in a row failed", "15 minutes", "axes_reset")


def test_too_many_logins_are_told_as_a_page_to_people_and_as_json_to_programs(browser, settings):
    rates = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] | {"logins": "2/min"}
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": rates}
    for name in ("ann", "bob"):
        browser.post(LOGIN, {"username": name, "password": "x"})
    answer = browser.post(LOGIN, WRONG)
    told(answer, 429, "Too many calls", "Try again in")
    assert int(answer.headers["Retry-After"]) > 0
    assert Client().post(LOGIN, WRONG).json()["code"] == "throttled"
