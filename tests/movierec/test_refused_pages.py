"""The pages on which the admin refuses a request or fails: each says what to do."""

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


def assert_page(answer, status, *texts):
    page = answer.content.decode()
    assert answer.status_code == status
    for part in ('<html lang="en">', "<main>", "<h1>", 'href="/admin/"', *texts):
        assert part in page, page


def test_missing_forbidden_and_failing_pages(browser, monkeypatch):
    browser.force_login(get_user_model().objects.create_user("new", is_staff=True))
    assert_page(browser.get("/admin/nothing/"), 404, "There is nothing at this address")
    assert_page(browser.get("/admin/catalog/movie/"), 403, "You may not do this")
    monkeypatch.setattr("recommender.admin.dashboard.dashboard_callback", lambda *_: 1 / 0)
    monkeypatch.setattr("django.contrib.admin.sites.AdminSite.get_app_list", lambda *_, **__: 1 / 0)
    failed = browser.get("/admin/")
    assert_page(failed, 500, "Something failed", failed.headers["X-Request-ID"])


def test_a_wrong_address_is_a_page_for_people_and_json_for_programs(browser, settings):
    settings.STOREFRONT = False  # it has a page of its own
    page = browser.get("/flim/1").content.decode()
    assert "There is nothing at this address" in page
    assert 'href="/"' in page
    for accept in ("*/*", "application/json", "application/json, text/html"):
        answer = browser.get("/flim/1", headers={"Accept": accept})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert browser.post("/flim/1").json()["code"] == "not_found"


def test_an_invalid_filter_is_not_reported_as_a_broken_database(browser):
    browser.force_login(get_user_model().objects.create_superuser("ed"))
    answer = browser.get("/admin/catalog/movie/?nothing=1", follow=True)
    answer = browser.get("/admin/catalog/movie/?nothing=1&e=1")
    assert_page(answer, 200, "The list cannot be shown")
    assert "database" not in answer.content.decode()


def test_a_form_that_is_too_old_says_what_to_do():
    answer = Client(enforce_csrf_checks=True, headers={"Accept": BROWSER}).post(LOGIN, WRONG)
    assert_page(answer, 403, "The form was too old", "MOVIEREC_TRUSTED_ORIGINS")


def test_a_locked_login_says_for_how_long(browser):
    answers = [browser.post(LOGIN, WRONG) for _ in range(5)]
    assert_page(answers[-1], 429, "5 logins in a row failed", "15 minutes", "axes_reset")


def test_throttled_logins_get_a_page_in_a_browser_and_json_in_a_program(browser, settings):
    rates = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] | {"logins": "2/min"}
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": rates}
    for name in ("ann", "bob"):
        browser.post(LOGIN, {"username": name, "password": "x"})
    answer = browser.post(LOGIN, WRONG)
    assert_page(answer, 429, "Too many calls", "Try again in")
    assert int(answer.headers["Retry-After"]) > 0
    assert Client().post(LOGIN, WRONG).json()["code"] == "throttled"
