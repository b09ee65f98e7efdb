"""The admin and /docs in a real Chromium: every kind of record is opened, changed and saved, every button pressed, and
every page is looked at by axe and on a phone. A kind of record that is new to the admin fails until it has its line."""

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule

from catalog.models import Credit, Genre, Movie, Person, Rule, Tag, Viewer
from recommender import registry, tasks
from recommender.models import (
    Alert,
    ApiKey,
    AuditEntry,
    Experiment,
    Exposure,
    Impression,
    Job,
    ModelVersion,
    NewFilm,
    ServedList,
    WebhookEndpoint,
)
from recommender.webhooks import make_secret
from tests.support.cast import BEN, EVE, NEMO, PULP_FICTION
from tests.support.live_server import LiveServer
from tests.support.tiny_model import TINY_MODEL
from tests.support.workers import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromium"), reason="there is no Chromium: install Debian's package chromium"),
]

SECRET = "four words or more"
SCREEN, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}  # pixels
TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"

# What is changed of one record of each kind (None: nobody may), and what is entered for a new one (None: nobody may).
Entered = dict[str, Any] | None
FORMS: dict[type[Model], tuple[Entered, Entered]] = {
    Movie: ({"title": "Pulp", "certificate": "NC-17"}, {"title": "Perfect Days", "year": "2023"}),
    Genre: ({"name": "Heist"}, {"name": "Docudrama"}),
    Tag: ({"name": "rainy"}, {"name": "sunny"}),
    Person: ({"name": "Somebody"}, {"name": "Somebody else"}),
    Viewer: ({"name": "Benjamin", "age_limit": "16"}, None),
    Rule: ({"places": "7"}, {"name": "Fish week", "action": "boost", "movie": "Nemo"}),
    ModelVersion: (None, None),
    Job: (None, None),
    Impression: (None, None),
    ServedList: (None, None),
    NewFilm: (None, None),
    Alert: (None, None),
    Experiment: (
        {"hypothesis": "Fewer films of one kind are clicked more."},
        {"name": "wider", "hypothesis": "They click more.", "arms-0-name": "as before", "arms-1-name": "wider"},
    ),
    WebhookEndpoint: (
        {"description": "the shop"},
        {"url": "https://hooks.example.org/new", "events": "night.ended"},
    ),
    AuditEntry: (None, None),
    ApiKey: ({"name": "the site"}, {"name": "app", "scopes": "recommend:read"}),
    User: ({"email": "looks@example.org"}, {"username": "newcomer", "password1": SECRET, "password2": SECRET}),
    Group: ({"name": "watchers"}, {"name": "translators"}),
    PeriodicTask: (
        {"description": "at breakfast"},
        {"name": "again", "regtask": "recommender.tasks.tidy", "interval": "every 5 minutes"},
    ),
    IntervalSchedule: ({"every": "6"}, {"every": "7", "period": "hours"}),
    CrontabSchedule: ({"minute": "30"}, {"hour": "4"}),
    ClockedSchedule: ({"clocked_time_1": "10:00:00"}, {"clocked_time_0": "2031-01-01", "clocked_time_1": "10:00:00"}),
    SolarSchedule: ({"latitude": "51.5"}, {"event": "sunset", "latitude": "1", "longitude": "2"}),
}  # fmt: skip


@pytest.fixture
def records(live: LiveServer) -> dict[type[Model], Model]:
    """One of each kind."""
    every, _ = IntervalSchedule.objects.get_or_create(every=5, period="minutes")
    crontab, _ = CrontabSchedule.objects.get_or_create(hour="3", minute="15")
    clocked, _ = ClockedSchedule.objects.get_or_create(clocked_time=timezone.now() + timedelta(days=900))
    sun, _ = SolarSchedule.objects.get_or_create(event="sunrise", latitude=50, longitude=10)
    task, _ = PeriodicTask.objects.get_or_create(
        name="tidy often", defaults={"task": "recommender.tasks.tidy", "interval": every}
    )
    tag, _ = Tag.objects.get_or_create(name="noir")
    shown, _ = Impression.objects.get_or_create(
        occurred_at="2024-03-01T12:00Z", viewer_id=EVE, movie_id=NEMO, kind=Impression.Kind.IMPRESSION
    )
    live.send(f"/recommend?user_id={BEN}")
    wait_until(lambda: tasks.store_served_lists() is not None and ServedList.objects.exists())
    experiment, is_new = Experiment.objects.get_or_create(name="mixed", defaults={"hypothesis": "More is clicked."})
    if is_new:
        experiment.arms.create(name="as before")
        experiment.arms.create(name="mixed", diversity=0.5)
    person, _ = User.objects.get_or_create(username="looks", is_staff=True)
    return {
        Movie: Movie.objects.get(pk=PULP_FICTION),
        Genre: Genre.objects.get_or_create(name="Swashbuckler")[0],
        Tag: tag,
        Person: Person.objects.get_or_create(name="Nobody yet")[0],
        Viewer: Viewer.objects.get(pk=BEN),
        Rule: Rule.objects.create(name="Noir week", action="boost", by="genre", genre=Genre.objects.get(name="Drama")),
        ModelVersion: ModelVersion.objects.get(name=TINY_MODEL),
        Job: Job.objects.create(kind=Job.Kind.BATCH, status=Job.Status.DONE),
        Impression: shown,
        ServedList: ServedList.objects.all()[0],
        NewFilm: NewFilm.objects.get_or_create(movie_id=NEMO, defaults={"is_open": True})[0],
        Alert: Alert.objects.get_or_create(
            check_name="disk", defaults={"label": "Disk", "detail": "It is full. Make room.", "seen_at": timezone.now()}
        )[0],
        Experiment: experiment,
        WebhookEndpoint: WebhookEndpoint.objects.get_or_create(
            url="https://hooks.example.org/", defaults={"events": ["night.ended"], "secret": make_secret()}
        )[0],
        AuditEntry: AuditEntry.objects.all()[0],
        ApiKey: ApiKey.objects.create_key(name="site", scopes=["recommend:read"])[0],
        User: person,
        Group: Group.objects.get_or_create(name="readers")[0],
        PeriodicTask: task,
        IntervalSchedule: every,
        CrontabSchedule: crontab,
        ClockedSchedule: clocked,
        SolarSchedule: sun,
    }


@pytest.fixture
def page(live: LiveServer, browser: Any) -> Iterator[Any]:
    """A window of somebody who may do everything; the test fails at what the browser complains of."""
    boss, _ = User.objects.get_or_create(username="boss", is_staff=True, is_superuser=True)
    boss.set_password(SECRET)
    boss.save()
    context = browser.new_context(viewport=SCREEN)
    complaints: list[str] = []
    window = context.new_page()
    window.set_default_timeout(60_000)  # ms; the machine may be busy
    window.on("pageerror", lambda error: complaints.append(f"{window.url}: {error}"))
    window.goto(f"{live.url}/admin/login/")
    for name, value in (("username", "boss"), ("password", SECRET)):
        window.locator(f"[name={name}]").fill(value)
    window.keyboard.press("Enter")
    window.wait_for_url("**/admin/")
    yield window
    context.close()
    assert complaints == []


def address(live: LiveServer, model: type[Model], what: str, *ids: Any) -> str:
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=[quote(one) for one in ids])
    return live.url + path


def enter(page: Any, name: str, value: str) -> None:
    """As somebody does it: looks up and clicks where the theme has a field of its own."""
    field = page.locator(f"#main-content form [name='{name}']:not([type=hidden])").first
    kind = field.evaluate("one => one.tagName + ' ' + (one.type || '')")
    if field.evaluate("one => one.classList.contains('select2-hidden-accessible')"):
        page.locator(f"[name='{name}'] + .select2-container").click()
        page.locator(".select2-container--open .select2-search__field").fill(value)
        page.locator(".select2-results__option:not(.loading-results)", has_text=value).first.click()
    elif kind.startswith("SELECT"):
        offered = field.evaluate("one => [...one.options].map(option => [option.value, option.text.trim()])")
        field.select_option(next(key for key, words in offered if value in (key, words)))
    elif "checkbox" in kind:
        page.locator(f"form [name='{name}'][value='{value}']").check()
    else:
        field.fill(value)


def saved(page: Any, entered: dict[str, Any]) -> str:
    """Enters the values, presses *Save*; the message of the page that comes."""
    for name, value in entered.items():
        enter(page, name, value)
    page.keyboard.press("Escape")  # closes a calendar
    page.locator("button[name=_save]").click()
    page.wait_for_load_state("load")
    told = page.locator("#main-content").inner_text()
    assert "Please correct the error" not in told, f"{page.url}: {told[:600]}"
    return str(told)


def dialog(page: Any, button: str, submit: str, **entered: str) -> None:
    """Opens an action's dialog by the keyboard, fills it in and submits it; the page that comes is loaded then."""
    opener = page.locator(f"#page a[hx-get]:has-text('{button}')").first
    opener.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#modal-content #dialog")
    page.wait_for_function("document.getElementById('modal-content').contains(document.activeElement)")
    for name, value in entered.items():
        page.locator(f"#modal-content [name={name}]").fill(value)
    with page.expect_navigation():
        page.locator(f"#modal-content button:has-text('{submit}')").click()


def test_every_kind_of_record_has_its_line() -> None:
    assert set(FORMS) == set(admin.site._registry)


def test_every_kind_of_record_is_changed_and_saved(
    page: Any, live: LiveServer, records: dict[type[Model], Model]
) -> None:
    credits_before = set(Credit.objects.values_list("movie_id", "person_id", "role"))
    for model, (changes, _) in FORMS.items():
        record = records[model]
        page.goto(address(live, model, "change", record.pk))
        if changes is None:
            assert page.locator("button[name=_save]").count() == 0
            continue
        assert "successfully" in saved(page, {}), f"{model.__name__} as it stood"
        page.goto(address(live, model, "change", record.pk))
        assert "successfully" in saved(page, changes)
        record.refresh_from_db()
        for name, value in changes.items():
            if hasattr(record, name):
                assert str(getattr(record, name)).startswith(value)
    assert set(Credit.objects.values_list("movie_id", "person_id", "role")) == credits_before


def test_every_kind_of_record_is_added(page: Any, live: LiveServer, records: dict[type[Model], Model]) -> None:
    for model, (_, entered) in FORMS.items():
        answer = page.goto(address(live, model, "add"))
        if entered is None:
            assert answer.status == 403
            continue
        before = model._default_manager.count()
        assert "successfully" in saved(page, entered), model.__name__
        assert model._default_manager.count() == before + 1, model.__name__


def test_a_person_is_added_to_a_film(page: Any, live: LiveServer, records: dict[type[Model], Model]) -> None:
    film = Movie.objects.create(title="Reel")
    page.goto(address(live, Movie, "change", film.pk))
    page.get_by_role("link", name="Add people").click()
    assert "successfully" in saved(page, {"credits-2-0-person": "Keanu", "credits-2-0-role": "actor"})
    assert [str(one) for one in film.credits.all()] == ["Keanu Reeves, actor"]


def test_every_button_does_what_it_says(page: Any, live: LiveServer, records: dict[type[Model], Model]) -> None:
    Job.objects.all().delete()
    for button, kind in (("Train now", Job.Kind.NIGHTLY), ("Fill lists now", Job.Kind.BATCH)):
        page.goto(address(live, Job, "changelist"))
        dialog(page, button, "Start")
        dialog(page, "Cancel", "Cancel the job")
        assert Job.objects.get(kind=kind).status == Job.Status.CANCELLED

    key = records[ApiKey]
    page.goto(address(live, ApiKey, "change", key.pk))
    dialog(page, "Rotate", "Rotate")
    told = re.search(r"API key for .+ is: (\S+)\. ", page.locator("#main-content").inner_text())
    assert told is not None
    assert ApiKey.objects.get_from_key(told[1]).pk != key.pk

    page.goto(address(live, Viewer, "change", BEN))
    before = Viewer.objects.get(pk=BEN).version
    dialog(page, "Recompute the list", "Recompute")
    assert Viewer.objects.get(pk=BEN).version == before + 1
    Viewer.objects.create(pk=4711)
    page.goto(address(live, Viewer, "change", 4711))
    dialog(page, "Erase", "Erase for good")
    assert "The viewer is erased: 0 events, 0 impressions." in page.locator("#main-content").inner_text()

    shutil.copytree(registry.folder(TINY_MODEL), registry.folder("other"), dirs_exist_ok=True)
    other = registry.register(registry.folder("other"), preset="basic")
    page.goto(address(live, ModelVersion, "change", other.pk))
    dialog(page, "Promote", "Promote", reason="to see it")
    assert registry.active_name() == "other"
    page.goto(address(live, ModelVersion, "changelist"))
    dialog(page, "Roll back", "Roll back", reason="seen")
    assert registry.active_name() == TINY_MODEL


def test_arms_without_their_shares_have_a_red_heading_and_no_verdict(page: Any, live: LiveServer, records: Any) -> None:
    experiment = records[Experiment]
    Experiment.objects.filter(pk=experiment.pk).update(status=Experiment.Status.RUNNING, started_at=timezone.now())
    for arm, viewers in zip(experiment.arms.all(), (range(1_000, 1_140), range(2_000, 2_060)), strict=True):
        Exposure.objects.bulk_create(
            Exposure(experiment=experiment, arm=arm, viewer_id=viewer, first_at=timezone.now()) for viewer in viewers
        )
    page.goto(address(live, Experiment, "change", experiment.pk))
    heading = page.locator(".mr-panel h2", has_text="No verdict")
    red = "getComputedStyle(document.querySelector('.mr-panel h2')).color"
    assert page.evaluate(red) not in (page.evaluate(red.replace(" h2", "")), "")
    assert heading.count() == 1
    assert page.locator(".mr-panel td").all_inner_texts() == ["as before", "140", "mixed", "60"]
    page.locator("#page a[hx-get]:has-text('Ship an arm')").first.click()
    told = page.locator("#modal-content #dialog")
    told.locator("text=No verdict: the arms have not the shares").wait_for()
    told.locator("[name=reason]").fill("we hope")
    told.locator("button:has-text('Ship')").click()
    told.locator("text=The verdict does not say to ship this arm").wait_for()
    experiment.refresh_from_db()
    assert experiment.status == Experiment.Status.RUNNING
    experiment.delete()


def test_staff_set_the_password_of_another(page: Any, live: LiveServer, records: dict[type[Model], Model]) -> None:
    person = records[User]
    page.goto(address(live, User, "change", person.pk))
    page.locator("#main-content a[href*='password']").click()
    page.wait_for_load_state("load")
    for name in ("password1", "password2"):
        page.locator(f"[name={name}]").fill(SECRET)
    page.locator("#main-content button[type=submit]").click()
    page.wait_for_load_state("load")
    person.refresh_from_db()
    assert person.check_password(SECRET)  # type: ignore[attr-defined]


def test_an_action_whose_record_is_gone_says_so(page: Any, live: LiveServer, records: dict[type[Model], Model]) -> None:
    page.goto(address(live, ApiKey, "change", records[ApiKey].pk))
    records[ApiKey].delete()
    page.locator("a[hx-get]:has-text('Rotate')").first.click()
    page.locator("#modal-content button:has-text('Rotate')").click()
    page.wait_for_selector("#modal-content [role=alert]")
    assert "Load the page again" in page.locator("#modal-content").inner_text()


def test_the_keyboard_goes_everywhere(page: Any, live: LiveServer, records: dict[type[Model], Model]) -> None:
    active: Any = records[ModelVersion]
    other, _ = ModelVersion.objects.get_or_create(name="another", preset="basic", data_set=active.data_set)
    page.goto(address(live, ModelVersion, "change", other.pk))
    page.wait_for_function("document.readyState === 'complete' && window.Alpine?.version && window.htmx?.version")
    page.keyboard.press("Tab")
    page.wait_for_function("document.activeElement.textContent === 'Skip to the content'")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'main-content'")

    opener = page.locator("#page a[hx-get]:has-text('Promote')").first
    opener.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.name === 'reason'")
    for _ in range(12):  # round and round, never behind the dialog
        page.keyboard.press("Tab")
        assert page.evaluate("!document.activeElement.closest('#page, .mr-skip')")
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.textContent.includes('Promote')")

    account = page.locator("[role=button][aria-expanded]", has_text="boss")
    account.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('nav[aria-label=Account]').contains(document.activeElement)")
    assert account.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.getAttribute('aria-expanded') === 'false'")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('nav[aria-label=Account]').contains(document.activeElement)")
    page.locator("text=Change password").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/password_change/")


def test_axe_finds_nothing_and_a_phone_is_wide_enough(
    page: Any, live: LiveServer, records: dict[type[Model], Model]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is of requirements-dev.txt").Axe()
    addresses = [live.url + path for path in ("/admin/", "/admin/password_change/", "/docs")]
    more = ("recommender_modelversion_compare", "recommender_servedlist_insights", "catalog_movie_report")
    addresses += [live.url + reverse(f"admin:{name}") for name in more]
    preview = reverse("admin:catalog_rule_preview", args=[records[Rule].pk])
    addresses.append(f"{live.url}{preview}?viewer={BEN}&shelf=home")
    for model, record in records.items():
        addresses.append(address(live, model, "changelist"))
        addresses += [address(live, model, what, record.pk) for what in ("change", "history", "delete")]
        addresses.append(address(live, model, "add"))
    found, shown = [], 0
    for path in addresses:
        answer = page.goto(path)
        assert answer.status in (200, 403), f"{path}: {answer.status}"
        if answer.status == 403:
            continue
        shown += 1
        if path.endswith("/docs"):
            page.wait_for_selector(".opblock-summary-control")
        page.wait_for_timeout(250)
        found += [
            f"{path}: {one['id']} {one['nodes'][0]['html'][:120]}" for one in axe.run(page).response["violations"]
        ]
        if spaced := re.search(r"\d\s%", page.locator("body").inner_text()):
            found.append(f"{path}: {spaced[0]!r} beside percentages without a space")
        page.set_viewport_size(PHONE)
        if (wide := page.evaluate(TOO_WIDE)) > 0:
            found.append(f"{path}: {wide} pixels wider than a phone")
        page.set_viewport_size(SCREEN)
    assert not found, "\n".join(found)
    assert shown > 60


def test_the_login_page_is_for_everybody(live: LiveServer, browser: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is of requirements-dev.txt").Axe()
    window = browser.new_page()
    window.goto(f"{live.url}/admin/login/")
    assert [one["id"] for one in axe.run(window).response["violations"]] == []
    window.close()


def test_axe_finds_nothing_where_the_admin_refuses(page: Any, live: LiveServer) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is of requirements-dev.txt").Axe()
    found: list[str] = []

    def look(heading: str) -> None:
        assert page.locator("h1").inner_text() == heading
        found.extend(f"{heading}: {one['id']}" for one in axe.run(page).response["violations"])

    def log_in() -> None:
        for name in ("username", "password"):
            page.locator(f"[name={name}]").fill("somebody")
        with page.expect_navigation():
            page.keyboard.press("Enter")

    page.goto(f"{live.url}/admin/nothing/")
    look("There is nothing at this address")
    page.goto(f"{live.url}/admin/catalog/movie/?nothing=1&e=1")
    look("The list cannot be shown")
    page.context.clear_cookies()
    page.goto(f"{live.url}/admin/login/")
    page.context.clear_cookies()
    log_in()
    look("The form was too old")
    for _ in range(5):
        page.goto(f"{live.url}/admin/login/")
        log_in()
    look("The login is closed for a while")
    assert found == []
