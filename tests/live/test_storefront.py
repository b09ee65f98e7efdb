"""The storefront in a real Chromium, on the demo: what viewers do there, every page, every state, languages, axe."""

import json
import re
import shutil
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from catalog.models import Viewer, WatchEvent
from recommender import tasks
from recommender.models import Impression, Job
from tests.support.live_server import LiveServer
from tests.support.storefront import FILM, PHONE, SCREEN, VIEWER, Visit, wait_for
from tests.support.workers import wait_until

pytestmark = pytest.mark.skipif(
    not shutil.which("chromium"), reason="there is no Chromium: install Debian's package chromium"
)

LONG_FILE = 2_100  # rows, which a job stores
TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"
SPOIL_TOKENS = """for (const name of Object.keys(sessionStorage).filter(name => name.includes('.token.'))) {
  const token = JSON.parse(sessionStorage[name]);
  sessionStorage[name] = JSON.stringify({...token, token: 'out-of-date'});
}"""
PAGES = (
    "/",
    "/viewers",
    f"/film/{FILM}",
    "/browse?genres=Comedy&exclude_genres=Horror&min_year=1990",
    "/search?q=star",
    "/mine/history",
    "/mine/ratings",
    "/mine/watchlist",
    "/mine/hidden",
    "/mine/taste",
    "/mine/import",
    "/mine/data",
    "/together",
    "/start",
)


@pytest.fixture
def transactional_db(shop: LiveServer) -> None:
    """Replace pytest-django's fixture, so that the rows of the module stay until its end."""


def test_from_the_first_page_to_a_row_that_changed(visit: Any) -> None:
    """A new user reads nothing: they choose somebody, and mark a film as seen."""
    here = visit()
    page = here.page
    page.goto(here.url + "/")
    page.locator("button.face:not(.special)").first.click()
    card = page.locator("[data-row='0'] [data-film]").first
    film, row = card.get_attribute("data-film"), page.locator("[data-row='0'] [data-film]")
    before = row.evaluate_all("cards => cards.map(card => card.dataset.film)")

    card.get_by_role("button", name="Seen").click()
    card.get_by_text("Seen", exact=True).wait_for()
    page.locator(".changed").wait_for()
    viewer = page.evaluate("JSON.parse(localStorage['movierec.viewer']).id")
    assert WatchEvent.objects.filter(viewer_id=viewer, movie_id=film, kind=WatchEvent.Kind.WATCH).count() == 1
    assert row.evaluate_all("cards => cards.map(card => card.dataset.film)") == before, "what is shown stays"

    card.get_by_role("button", name="Undo").click()
    card.get_by_role("button", name="Like").wait_for()
    wait_until(lambda: not WatchEvent.objects.filter(viewer_id=viewer, movie_id=film).exists())
    card.get_by_role("button", name="Seen").click()
    page.get_by_role("button", name="Show the new one").click()
    wait_for(page, f'!document.querySelector(\'[data-row="0"] [data-film="{film}"]\')')
    assert here.complaints == []


def test_a_film_is_rated_and_says_why_it_is_shown(visit: Any) -> None:
    here = visit()
    here.become()
    page = here.open(f"/film/{FILM}")
    page.get_by_role("radio", name="4.5 of 5 stars").check(force=True)
    page.locator(".made").wait_for()
    ratings = WatchEvent.objects.filter(viewer_id=VIEWER, movie_id=FILM, kind=WatchEvent.Kind.RATING)
    wait_until(lambda: ratings.filter(rating=4.5).exists())

    page.reload()
    here.settle()
    wait_for(page, "document.querySelector('.stars input[value=\"4.5\"]').checked")
    assert page.get_by_role("button", name="Seen", exact=True).get_attribute("aria-pressed") == "true"
    page.locator("details.why summary").click()
    wait_for(page, "document.querySelector('.why-text').innerText.length > 20")
    page.locator(".facts a").first.click()
    page.wait_for_url("**/browse?genres=*")
    page.go_back()
    page.wait_for_url(f"**/film/{FILM}")
    assert here.complaints == []


def test_what_was_shown_and_pressed_is_reported_once(visit: Any) -> None:
    here = visit()
    page = here.become()
    shown = page.locator("[data-row='0'] [data-film]").first
    film = int(shown.get_attribute("data-film"))
    wait_until(lambda: Impression.objects.filter(viewer_id=VIEWER, movie_id=film).exists(), 60)
    shown.locator("a").click()
    page.wait_for_url(f"**/film/{film}")
    clicks = Impression.objects.filter(viewer_id=VIEWER, kind=Impression.Kind.CLICK)
    wait_until(lambda: clicks.filter(movie_id=film).count() == 1, 60)
    page.go_back()
    here.settle()
    page.wait_for_timeout(2500)

    impressions = list(Impression.objects.filter(viewer_id=VIEWER, kind=Impression.Kind.IMPRESSION))
    assert len({(one.recommendation_id, one.movie_id) for one in impressions}) == len(impressions)
    click = clicks.get(movie_id=film)
    assert click.position == 0
    assert click.recommendation_id in {one.recommendation_id for one in impressions}


def test_what_was_shown_is_sent_when_the_page_is_left(visit: Any) -> None:
    here = visit()
    viewer = VIEWER + 9
    page = here.become(viewer)
    wait_for(page, "(localStorage['movierec.waiting'] ?? '').includes('impression')")
    page.goto("about:blank")  # before the next batch
    wait_until(lambda: Impression.objects.filter(viewer_id=viewer).exists())


@pytest.mark.slow
def test_the_watchlist_takes_a_film_and_gives_it_up(visit: Any) -> None:
    here = visit()
    here.become(VIEWER + 11)
    events = WatchEvent.objects.filter(viewer_id=VIEWER + 11, movie_id=FILM, kind=WatchEvent.Kind.WATCHLIST)
    for leaves in (False, True):  # the page after the mark: then it is the API that knows
        page = here.open(f"/film/{FILM}")
        button = page.get_by_role("button", name="Watchlist", exact=True)
        button.click()
        wait_until(events.exists)
        if leaves:
            here.open(f"/film/{FILM}")
        wait_for(page, "document.querySelectorAll('.says-buttons [aria-pressed=true]').length === 1")
        button.click()
        wait_until(lambda: not events.exists())
        wait_for(page, "document.querySelectorAll('.says-buttons [aria-pressed=true]').length === 0")


@pytest.mark.slow
def test_somebody_new_picks_films_and_gets_a_list(visit: Any) -> None:
    here = visit()
    page = here.page
    page.goto(here.url + "/viewers")
    page.get_by_role("button", name="Somebody new").click()
    page.wait_for_url("**/start")
    page.get_by_role("button", name="I don't know it").first.click()
    for picked in range(3):
        assert page.get_by_role("button", name="That's me").is_disabled()
        page.locator(".pick").first.click()
        page.get_by_text(f"{picked + 1} picked").wait_for()
        page.locator("ul.grid[aria-label='Your list so far'] [data-film]").first.wait_for()
    page.get_by_role("button", name="That's me").click()
    page.wait_for_url(here.url + "/")
    here.settle()
    guest = page.evaluate("JSON.parse(localStorage['movierec.viewer']).id")
    page.goto(here.url + "/mine")
    here.settle()
    assert page.locator(".results li").count() == 6, "each was liked and seen"
    assert str(guest).startswith("guest-")


@pytest.mark.slow
def test_a_guest_of_whom_nothing_is_known_asks_for_nothing_that_is_not_there(visit: Any) -> None:
    here = visit()
    here.become("guest-without-a-word")
    for path in (f"/film/{FILM}", "/mine/history", "/mine/ratings", "/mine/watchlist", "/mine/hidden", "/mine/taste"):
        here.open(path)
    assert here.complaints == []
    assert not Viewer.objects.filter(key="guest-without-a-word").exists()


@pytest.mark.slow
def test_browsing_keeps_its_filters_in_the_address_and_names_the_one_to_drop(visit: Any) -> None:
    here = visit()
    here.become()
    page = here.open("/browse")
    page.get_by_role("button", name="Comedy: not chosen").click()
    page.wait_for_url("**/browse?genres=Comedy")
    page.get_by_role("button", name="Comedy: any of these").click()
    page.wait_for_url("**/browse?exclude_genres=Comedy")
    here.open("/browse?genres=Comedy&diversity=0.8")
    count = page.locator(".grid [data-film]").count()
    page.mouse.wheel(0, 30_000)
    wait_for(page, f"document.querySelectorAll('.grid [data-film]').length > {count}")
    ids = page.locator(".grid [data-film]").evaluate_all("cards => cards.map(card => card.dataset.film)")
    assert len(set(ids)) == len(ids)

    here.open("/browse?min_year=1990")
    oldest = page.get_by_role("slider", name="Years from")
    assert (oldest.input_value(), oldest.get_attribute("aria-valuetext")) == ("1990", "1990")
    oldest.press("ArrowRight")
    page.wait_for_url("**/browse?min_year=1991")
    page.get_by_role("slider", name="Runtime to").fill("120")
    page.wait_for_url("**/browse?min_year=1991&max_runtime=120")
    page.get_by_role("slider", name="How different").press("End")
    page.wait_for_url("**/browse?min_year=1991&max_runtime=120&diversity=1")
    here.settle()
    page.locator(".grid [data-film]").first.wait_for()
    oldest.press("Home")  # as far as it goes: no limit
    page.wait_for_url("**/browse?max_runtime=120&diversity=1")

    here.open("/browse?genres=Western&min_runtime=180&max_runtime=60")
    page.get_by_role("heading", name="No film fits all of this").wait_for()
    page.locator(".trouble .primary", has_text="Runtime").first.click()
    page.locator(".grid [data-film]").first.wait_for()

    here.open("/browse")
    page.get_by_label("A director or an actor").fill("hanks")
    page.get_by_role("button", name="Tom Hanks, actor").click()
    page.wait_for_url("**/browse?actors=Tom+Hanks")


@pytest.mark.slow
def test_search_forgives_and_the_keys_go_through_the_results(visit: Any) -> None:
    here = visit()
    here.become()
    page = here.open("/search")
    page.keyboard.type("matirx")
    page.locator(".results li", has_text="Matrix").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/film/*")
    page.locator("h1", has_text="Matrix").wait_for()
    here.open("/search?q=zzzzqqqq")
    page.get_by_text("Nothing found").wait_for()


@pytest.mark.slow
def test_what_is_mine_is_imported_taken_back_and_erased(visit: Any) -> None:
    here = visit()
    page = here.become(VIEWER + 3)
    here.open("/mine/import")
    ratings = b"Const,Your Rating,Date Rated,Title,Title Type,Year\ntt0133093,9,2024-02-03,The Matrix,movie,1999\n"
    ratings += b"tt9999999,9,2024-02-03,No Such Film,movie,2021\n"
    page.get_by_label("Your file").set_input_files({"name": "ratings.csv", "mimeType": "text/csv", "buffer": ratings})
    page.get_by_role("button", name="Look first").click()
    page.get_by_text("would be stored").wait_for()
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("1 row matches no film").wait_for()
    page.get_by_role("cell", name="No Such Film").wait_for()

    head, *_ = ratings.splitlines(keepends=True)
    row = b"tt%07d,9,2024-02-03,No Such Film %d,movie,2021\n"
    long = head + b"".join(row % (n, n) for n in range(LONG_FILE))
    page.get_by_label("Your file").set_input_files({"name": "ratings.csv", "mimeType": "text/csv", "buffer": long})
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("This is a long file").wait_for()
    page.get_by_text("It waits for its turn").wait_for()
    page.get_by_role("progressbar").wait_for()
    assert tasks.run_import(str(Job.objects.latest("created_at").pk))["taken"]  # as a worker does
    page.get_by_text(f"{LONG_FILE} rows match no film").wait_for()
    assert page.get_by_role("progressbar").count() == 0

    here.open("/mine/ratings")
    line = page.locator(".results li", has_text="The Matrix").first
    line.get_by_role("button", name="Take back").click()
    wait_until(lambda: not WatchEvent.objects.filter(viewer_id=VIEWER + 3, occurred_at__date="2024-02-03").exists())

    here.open("/mine/data")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download my data").click()
    with open(download.value.path()) as file:
        assert json.load(file)["user_id"] == VIEWER + 3
    page.get_by_role("button", name="Erase my data").click()
    page.get_by_role("button", name="Yes, erase everything").click()
    page.get_by_text("Nothing of you is left").wait_for()
    assert not Viewer.objects.filter(pk=VIEWER + 3).exists()


@pytest.mark.slow
def test_two_of_us_get_one_list_and_see_who_liked_what(visit: Any) -> None:
    here = visit()
    here.become()
    page = here.open("/together")
    page.locator(".faces button:not([aria-pressed='true'])").first.click()
    page.locator(".places li").first.wait_for()
    wait_for(page, "!document.querySelector('.places').innerText.includes('…')")
    assert page.locator(".grid > [data-film]").count() >= 10
    assert page.locator(".places").first.locator("li").count() == 2
    assert here.complaints == []


@pytest.mark.slow
def test_behind_the_glass_is_the_very_call(visit: Any) -> None:
    here = visit()
    page = here.become()
    page.locator(".settings summary").click()
    page.get_by_label("Behind the glass").check()
    page.locator(".glass .calls summary", has_text="/home").first.click()
    curl = page.locator(".glass pre:visible").first.inner_text()
    assert f"{here.url}/home?rows=8" in curl
    assert f"user_id={VIEWER}" in curl
    assert "Viewer-Token" not in page.content()
    stored = page.locator(".glass dt", has_text="The stored list").locator("xpath=following-sibling::dd")
    stored.wait_for()
    assert stored.inner_text() == "none is current: each call computes one"


@pytest.mark.slow
def test_states_have_words_a_person_understands(visit: Any) -> None:
    here = visit()
    page = here.become()
    problems = [
        (401, "unauthenticated", "Please log in again"),
        (403, "permission_denied", "This is not open to you"),
        (429, "throttled", "Too many calls"),
        (503, "overloaded", "The system is busy or a part of it is down"),
        (500, "error", "Something went wrong"),
    ]
    for status, code, words in problems:
        body = json.dumps({"status": status, "code": code, "detail": "as the server says"})
        headers = {"Content-Type": "application/problem+json", "Retry-After": "30"}
        page.route("**/home?*", partial(_answer, status=status, body=body, headers=headers))
        page.goto(here.url + "/")
        page.get_by_role("heading", name=words).wait_for()
        page.unroute("**/home?*")
    page.get_by_role("button", name="Try again").click()
    here.settle()
    page.locator("[data-film]").first.wait_for()

    page.route("**/home?*", lambda route: _changed(route, degraded=True, model_version=None))
    page.goto(here.url + "/")
    page.get_by_text("A part of the system is down").wait_for()
    page.get_by_text("There is no trained model yet").wait_for()
    page.route("**/health/ready", lambda route: _changed(route, model_version="default-20261130"))
    page.goto(here.url + "/")
    page.get_by_text("A part of the system is down").wait_for()
    page.wait_for_timeout(500)
    assert not page.get_by_text("There is no trained model yet").is_visible(), (
        "a page for somebody whom it does not know"
    )
    page.unroute("**/health/ready")
    page.unroute("**/home?*")
    page.route("**/home?*", lambda route: _changed(route, rows=[]))
    page.goto(here.url + "/")
    page.get_by_role("heading", name="There are no films here yet").wait_for()

    for address, heading in (
        ("/nothing/here", "There is nothing at this address"),
        ("/film/99", "There is no such film"),
    ):
        here.open(address)
        page.get_by_role("heading", name=heading).wait_for()
        assert page.title() == f"{heading} · movierec"


# Each text that is seen, but the titles of films.
TEXTS = """(() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), texts = [];
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), parent = walker.currentNode.parentElement;
    if (/[a-z]{3}/i.test(text) && parent.checkVisibility() && !parent.closest("[data-film], .brand")) texts.push(text);
  }
  return texts;
})()"""


def _states(here: Visit) -> Iterator[str]:
    """Yield the name of each state when the page is in it."""
    page = here.become(VIEWER + 6)
    for status, code in ((401, "unauthenticated"), (429, "throttled"), (503, "overloaded")):
        body = json.dumps({"status": status, "code": code, "detail": "as the server says"})
        headers = {"Content-Type": "application/problem+json", "Retry-After": "30"}
        page.route("**/home?*", partial(_answer, status=status, body=body, headers=headers))
        page.goto(here.url + "/")
        page.locator(".trouble h2").wait_for()
        yield str(status)
        page.unroute("**/home?*")
    for name, members in (
        ("degraded", {"degraded": True}),
        ("no model yet", {"model_version": None}),
        ("empty catalogue", {"rows": [], "reason": None}),
    ):
        page.route("**/health/ready", lambda route: _changed(route, model_version=None))
        page.route("**/home?*", partial(_changed, **members))
        here.open("/")
        page.locator("main .note, main .trouble").first.wait_for()
        yield name
        page.unroute("**/home?*")
        page.unroute("**/health/ready")
    page.evaluate(SPOIL_TOKENS)
    here.open("/")
    page.locator("[data-row='0'] [data-film]").first.wait_for()
    yield "a token that was renewed"
    here.context.set_offline(True)
    page.locator(".note", has_text=re.compile("offline")).wait_for()
    yield "offline"
    page.locator("nav a[href='/together']").click()  # its script was never fetched
    page.locator(".trouble h2").wait_for()
    yield "offline, another page"
    here.context.set_offline(False)


@pytest.mark.slow
def test_on_a_phone_no_state_is_too_wide_or_half_translated(visit: Any) -> None:
    """What English and German pages have in common is no word of the storefront."""
    seen: dict[str, dict[str, set[str]]] = {}
    too_wide = []
    for locale in ("en-US", "de-DE"):
        here = visit(locale=locale, viewport=PHONE, color_scheme="light")
        for state in _states(here):
            seen.setdefault(state, {})[locale] = {*here.page.evaluate(TEXTS)}
            if (wide := here.page.evaluate(TOO_WIDE)) > 0:
                too_wide.append(f"{state}: {wide} pixels")
    assert too_wide == []
    common = {state: texts["en-US"] & texts["de-DE"] - {"one of the demo"} for state, texts in seen.items()}
    assert {state: texts for state, texts in common.items() if texts} == {
        "401": {"Code: unauthenticated"},
        "429": {"Code: throttled"},
        "503": {"Code: overloaded"},
    }


def _answer(route: Any, **answer: Any) -> None:
    route.fulfill(**answer)


def _changed(route: Any, **members: Any) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, body=json.dumps(answer.json() | members))


@pytest.mark.slow
def test_a_refused_token_is_renewed_and_offline_marks_are_sent_later(visit: Any) -> None:
    here = visit()
    page = here.become(VIEWER + 5)
    page.evaluate(SPOIL_TOKENS)
    page.reload()
    here.settle()
    card = page.locator("[data-row='0'] [data-film]").first
    film = card.get_attribute("data-film")

    here.context.set_offline(True)
    page.get_by_text("You are offline").wait_for()
    card.get_by_role("button", name="Watchlist").click()
    page.get_by_text("it will be sent when you are online").wait_for()
    assert not WatchEvent.objects.filter(viewer_id=VIEWER + 5, movie_id=film).exists()
    page.get_by_role("link", name="Together").click()  # its script was never fetched
    page.get_by_role("heading", name="You are offline").wait_for()
    here.context.set_offline(False)
    wait_until(lambda: WatchEvent.objects.filter(viewer_id=VIEWER + 5, movie_id=film).exists(), 60)
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("heading", name="Together", exact=True).wait_for()


@pytest.mark.slow
def test_german_by_the_browsers_wish_and_by_choice(visit: Any) -> None:
    here = visit(locale="de-AT")
    page = here.become()
    assert page.locator("html").get_attribute("lang") == "de"
    page.get_by_role("link", name="Stöbern").click()
    page.get_by_role("button", name="Komödie: nicht gewählt").wait_for()
    assert page.title() == "Stöbern · movierec"
    page.locator(".settings summary").click()
    page.locator(".sheet select").first.select_option("en")
    page.get_by_role("button", name="Comedy: not chosen").wait_for()
    here.open("/mine/taste")
    assert "Watches more" in page.locator(".sentences").inner_text()
    page.locator(".settings summary").click()
    page.locator(".sheet select").first.select_option("de")
    page.locator(".sentences", has_text="als andere").wait_for()
    genres = page.locator(".bars li > span:first-child").all_inner_texts()
    assert not {"Comedy", "Adventure", "Crime"} & set(genres)  # Horror is Horror


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "said"), [("en", "1 film, 4.5 stars on average"), ("de", "1 Film, im Mittel 4,5 Sterne")]
)
def test_the_taste_of_one_film_is_told_in_the_singular(visit: Any, shop: LiveServer, language: str, said: str) -> None:
    viewer = f"guest-one-film-{language}"
    event = {"user_id": viewer, "movie_id": str(FILM), "kind": "rating", "rating": 4.5}
    shop.fetch("/events", event, key=True)
    here = visit(locale=language)
    here.become(viewer)
    here.open("/mine/taste").locator(".taste .lead", has_text=said).wait_for()


@pytest.mark.slow
def test_a_title_is_read_while_its_film_can_be_picked(visit: Any) -> None:
    page = visit().open("/start")
    page.locator(".pick").first.hover()
    label = page.locator(".pick-label").first.bounding_box()
    titles = (
        page.locator(".pick")
        .first.locator("svg text")
        .evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")
    )
    assert label["y"] + label["height"] <= min(titles)


@pytest.mark.slow
def test_at_200_percent_nothing_is_cut_and_everything_is_reached(visit: Any) -> None:
    """A window of 1280 pixels zoomed to 200 % is one of 640 with two pixels for each."""
    here = visit(viewport={"width": 640, "height": 430}, device_scale_factor=2)
    page = here.become()
    for path in PAGES:
        here.open(path)
        assert page.evaluate(TOO_WIDE) <= 0, path
        cut = page.evaluate(
            """[...document.querySelectorAll("main :is(h1, h2, h3, button, a, label, p)")].filter(one => {
                 const box = one.getBoundingClientRect();
                 const scrolls = one.closest(".strip, .tabs, .scroll, .hidden");
                 return box.width && !scrolls && (box.left < 0 || box.right > innerWidth + 1);
               }).map(one => one.outerHTML.slice(0, 100))"""
        )
        assert cut == [], path
    page.locator(".bar nav a", has_text="Together").click()
    page.wait_for_url("**/together")


@pytest.mark.slow
def test_nothing_moves_where_motion_is_not_wished(visit: Any) -> None:
    moving = """document.getAnimations().filter(one => one.playState === "running" &&
                one.effect.getComputedTiming().duration > 1).length"""
    still = visit(reduced_motion="reduce")
    lively = visit(reduced_motion="no-preference")
    for here, moves in ((still, False), (lively, True)):
        page = here.become()
        page.route("**/home?*", lambda route: None)  # never answered: skeletons stay
        page.goto(here.url + "/")
        page.locator("main .skeleton").first.wait_for()
        assert bool(page.evaluate(moving)) is moves
        assert (page.evaluate("getComputedStyle(document.querySelector('.strip')).scrollBehavior") == "smooth") is moves


@pytest.mark.slow
def test_from_right_to_left_rows_begin_on_the_right_and_scroll_on(visit: Any) -> None:
    here = visit()
    page = here.become()
    page.evaluate("document.documentElement.dir = 'rtl'")
    row = page.locator("[data-row='0']")
    cards = row.locator("[data-film]")
    assert cards.first.bounding_box()["x"] > cards.nth(1).bounding_box()["x"]
    assert page.locator(".brand").bounding_box()["x"] > page.locator(".settings").bounding_box()["x"]
    row.get_by_role("button", name="Further in").click()
    wait_for(page, "document.querySelector('[data-row=\"0\"] .strip').scrollLeft < -100")
    row.get_by_role("button", name="Back in").click()
    wait_for(page, "Math.abs(document.querySelector('[data-row=\"0\"] .strip').scrollLeft) < 8")


@pytest.mark.slow
def test_the_keyboard_alone_marks_a_film(visit: Any) -> None:
    here = visit()
    page = here.become(VIEWER + 7)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("(document.activeElement.getAttribute('aria-label') ?? '').startsWith('Like: ')"):
            break
    page.keyboard.press("Enter")
    wait_for(page, "document.activeElement.textContent === 'Undo'")
    page.keyboard.press("Enter")
    wait_for(page, "document.activeElement.closest('.acts') !== null")


@pytest.mark.slow
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_and_no_page_is_too_wide(visit: Any, colours: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is of requirements-dev.txt").Axe()
    here = visit(color_scheme=colours, reduced_motion="reduce")
    page = here.become()
    page.evaluate("localStorage['movierec.glass'] = 'true'")
    found: list[str] = []
    for path in PAGES:
        here.open(path)
        if path.startswith("/film"):
            page.locator("details.why summary").click()
        page.wait_for_timeout(300)
        violations = axe.run(page).response["violations"]
        found += [f"{path}: {one['id']} {one['nodes'][0]['html'][:160]}" for one in violations]
        for size in (PHONE, {"width": 360, "height": 640}, {"width": 2560, "height": 1300}):
            page.set_viewport_size(size)
            if (wide := page.evaluate(TOO_WIDE)) > 0:
                found.append(f"{path}: {wide} pixels wider than {size['width']}")
        page.evaluate("document.documentElement.dir = 'rtl'")
        page.set_viewport_size(PHONE)
        if (wide := page.evaluate(TOO_WIDE)) > 0:
            found.append(f"{path}: {wide} pixels too wide from right to left")
        page.evaluate("document.documentElement.dir = 'ltr'")
        page.set_viewport_size(SCREEN)
    assert found == []
    assert here.complaints == []
