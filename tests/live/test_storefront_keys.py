"""The storefront by keys alone, in a real Chromium: every action of every page; the focus is seen, and never lost."""

import re
import shutil
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from catalog.models import Viewer, WatchEvent
from recommender import tasks
from recommender.models import Job
from tests.support.live_server import LiveServer
from tests.support.storefront import FILM, PHONE, VIEWER, Visit, wait_for
from tests.support.workers import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromium"), reason="there is no Chromium: install Debian's package chromium"),
]

ACTS = (("Seen", "watch"), ("Like", "like"), ("Watchlist", "watchlist"), ("Not for me", "not_interested"))
LONG_FILE = 2_100  # rows, which a job stores
MOST_STEPS = 250  # of Tab, to reach something
# What has the focus: its name, and whether somebody who looks can see where it is.
FOCUSED = """(() => {
  const one = document.activeElement;
  if (one === null || one === document.body) return {name: "", seen: false, tag: "body"};
  const label = one.getAttribute("aria-label") ?? one.labels?.[0]?.innerText ?? "";
  const box = one.getBoundingClientRect(), frame = one.closest(".stars label") ?? one;
  const style = getComputedStyle(frame);
  return {
    name: (label || one.innerText || "").trim(),
    tag: one.tagName.toLowerCase(),
    seen: one.id === "content" || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 1 &&
      box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth),
  };
})()"""


class Keys:
    """Somebody without a mouse."""

    def __init__(self, here: Visit) -> None:
        self.page = here.page

    def focused(self) -> dict[str, Any]:
        """Return what has the focus."""
        found: dict[str, Any] = self.page.evaluate(FOCUSED)
        return found

    def press(self, *keys: str) -> None:
        """Press one key after another."""
        for key in keys:
            self.page.keyboard.press(key)

    def go_to(self, name: str, key: str = "Tab") -> None:
        """Press Tab until what is called so has the focus. Every stop on the way can be seen."""
        way = []
        for _ in range(MOST_STEPS):
            self.press(key)
            found = self.focused()
            way.append(found["name"][:40])
            if found["tag"] != "body":  # between the last and the first
                wait_until(lambda: self.focused()["seen"], 60)
            if re.match(name, found["name"]):
                return
        raise AssertionError(f"{name} is not reached: {way}")

    def expect(self, name: str) -> None:
        """Wait until what is called so has the focus, and can be seen."""
        try:
            wait_until(lambda: bool((found := self.focused())["seen"] and re.match(name, found["name"])), 60)
        except AssertionError as error:
            raise AssertionError(f"{self.focused()} has the focus, not {name}") from error

    def expect_at(self, selector: str) -> None:
        """Wait until something within an element has the focus."""
        try:
            wait_for(self.page, f"document.activeElement.closest({selector!r}) !== null")
        except AssertionError as error:
            raise AssertionError(f"{self.focused()} has the focus, not something in {selector}") from error


@pytest.fixture
def transactional_db(shop: LiveServer) -> None:
    """Replace pytest-django's fixture, so that the rows of the module stay until its end."""


@pytest.fixture
def keys(visit: Any, transactional_db: None) -> Callable[..., tuple[Visit, Keys]]:
    """Return a window, and the keys to work it with."""

    def make(**options: Any) -> tuple[Visit, Keys]:
        here = visit(**options)
        return here, Keys(here)

    return make


def events(viewer: int, kind: str = "", **more: Any) -> Any:
    """Return a viewer's events."""
    of_kind = {"kind": WatchEvent.Kind[kind.upper()]} if kind else {}
    return WatchEvent.objects.filter(viewer_id=viewer, **of_kind, **more)


def test_a_viewer_is_chosen_and_films_are_marked_on_the_first_page(keys: Any) -> None:
    here, by = keys()
    page = here.page
    page.goto(here.url + "/")
    page.locator("button.face:not(.special)").first.wait_for()
    by.press("Tab")
    by.expect("Skip to the content")
    by.press("Enter")
    by.expect_at("main")
    for _ in range(4):
        by.press("Tab")
    assert page.evaluate("document.activeElement.matches('button.face')")
    by.press("Enter")
    page.locator("[data-row='0'] [data-film]").first.wait_for()
    by.expect_at("main")
    viewer = page.evaluate("JSON.parse(localStorage['movierec.viewer']).id")

    by.go_to("Further in")
    disabled = "document.querySelector('[data-row=\"0\"] .arrows button:last-child').disabled"
    for _ in range(60):
        if page.evaluate(disabled):
            break
        by.press("Enter")
        page.wait_for_timeout(100)
    by.expect("(Further|Back) in")
    for act, kind in ACTS:
        by.go_to(f"{act}: ")
        film = page.evaluate("document.activeElement.closest('[data-film]').dataset.film")
        by.press("Enter")
        by.expect("Undo: ")
        assert page.evaluate("document.activeElement.closest('[data-film]').dataset.film") == film
        made = events(viewer, kind, movie_id=film)
        wait_until(made.exists)
        by.press("Enter")
        by.expect_at(f"[data-film='{film}'] .acts")
        wait_until(partial(lambda events: not events.exists(), made))

    by.go_to("Like: ")
    film = page.evaluate("document.activeElement.closest('[data-film]').dataset.film")
    by.press("Enter")
    by.expect("Undo: ")
    wait_for(page, "!document.querySelector('.undo')")  # after ten seconds
    by.expect_at(f"[data-film='{film}'] a")
    by.go_to("Show the new one", "Shift+Tab")
    by.press("Enter")
    page.locator("[data-row='0'] [data-film]").first.wait_for()
    by.expect_at("main")
    assert [one for one in here.complaints if "429" not in one] == []  # all that was scrolled past was shown


def test_a_film_is_marked_rated_and_explained(keys: Any) -> None:
    here, by = keys()
    viewer = VIEWER + 12
    here.become(viewer)
    page = here.open(f"/film/{FILM}")
    page.locator(".says").wait_for()
    for act, kind in ACTS[:3]:
        by.go_to(act)
        by.press("Space")
        wait_until(events(viewer, kind, movie_id=FILM).exists)
        by.expect(act)
        by.press("Space")
        wait_for(page, "document.querySelectorAll('.says-buttons [aria-pressed=true]').length === 0")
        by.expect(act)
    by.go_to("Not for me")
    by.press("Space", "Tab", "Tab")
    by.expect("Undo: ")
    made = events(viewer, "not_interested", movie_id=FILM)
    wait_until(made.exists)
    by.press("Enter")
    by.expect("Not for me")
    wait_until(lambda: not made.exists())
    by.go_to("0.5 of 5 stars")
    by.press("ArrowRight", "ArrowRight")
    wait_until(events(viewer, "rating", movie_id=FILM, rating=1.5).exists)
    by.expect("1.5 of 5 stars")
    by.go_to("Undo: ")
    wait_for(page, "!document.querySelector('.undo')")  # after ten seconds
    by.expect_at(".says")
    by.go_to("Why am I shown this")
    by.press("Enter")
    wait_for(page, "document.querySelector('.why-text').innerText.length > 20")
    by.go_to("[A-Z]", "Shift+Tab")
    assert here.complaints == []


def test_films_are_filtered(keys: Any) -> None:
    here, by = keys()
    here.become()
    page = here.open("/browse")
    page.get_by_role("button", name="Comedy: not chosen").wait_for()
    by.go_to("Comedy: not chosen")
    by.press("Space")
    by.expect("Comedy: any of these")
    by.press("Space")
    by.expect("Comedy: none of these")
    by.press("Space")
    by.expect("Comedy: not chosen")
    by.go_to("Years from")
    by.press("PageUp")
    page.wait_for_url("**/browse?min_year=*")
    by.press("Home")
    page.wait_for_url(re.compile("/browse$"))
    by.go_to("Runtime to")
    by.press("ArrowLeft")
    page.wait_for_url("**/browse?max_runtime=235")
    by.go_to("Language")
    by.press("ArrowDown")
    page.wait_for_url("**&languages=*")
    by.go_to("Suitable for")
    by.press("ArrowDown")
    page.wait_for_url("**&age_limit=*")
    by.go_to("A director or an actor")
    page.keyboard.type("hanks")
    page.get_by_role("button", name="Tom Hanks, actor").wait_for()
    by.go_to("Tom Hanks, actor")
    by.press("Enter")
    page.wait_for_url("**&actors=Tom+Hanks")
    by.expect("A director or an actor")
    by.go_to("Remove Tom Hanks")
    by.press("Enter")
    page.wait_for_url(lambda url: "actors" not in url)
    by.expect_at("fieldset.people")
    by.go_to("How different")
    by.press("End")
    page.wait_for_url("**&diversity=1")
    by.go_to("Clear all")
    by.press("Enter")
    page.wait_for_url(re.compile("/browse$"))
    by.expect("Clear all")

    page.locator(".grid [data-film]").first.wait_for()
    count = page.locator(".grid [data-film]").count()
    page.evaluate(
        "document.querySelector('.grid + div + button').focus({preventScroll: true})"
    )  # without the way there
    by.press("Enter")
    wait_for(page, f"document.querySelectorAll('.grid [data-film]').length > {count}")
    by.expect_at("main > div")

    here.open("/browse?genres=Western&min_runtime=180&max_runtime=60")
    page.locator(".trouble .primary").first.wait_for()
    by.go_to("Leave out: Runtime")
    by.press("Enter")
    page.locator(".grid [data-film]").first.wait_for()
    by.expect_at("main")
    assert here.complaints == []


def test_on_a_phone_the_filters_open_and_close(keys: Any) -> None:
    here, by = keys(viewport=PHONE)
    here.become()
    here.open("/browse")
    by.go_to("Filters")
    by.press("Enter")
    by.go_to("Comedy: not chosen")
    by.press("Space")
    by.go_to("Filters", "Shift+Tab")
    by.press("Enter")
    by.expect("Filters")


def test_two_watch_together(keys: Any) -> None:
    here, by = keys()
    here.become()
    page = here.open("/together")
    page.locator(".faces button").first.wait_for()
    by.go_to("Remove")
    by.go_to("(?s).*Liked")
    while page.evaluate("document.activeElement.ariaPressed") == "true":  # the viewer's own face
        by.go_to("(?s).*Liked")
    by.press("Space")
    page.locator(".places li").first.wait_for()
    by.expect("(?s).*Liked")
    by.go_to("Remove", "Shift+Tab")
    by.press("Enter")
    by.expect("Remove")
    by.press("Enter")
    page.get_by_text("Choose at least two").wait_for()
    by.expect_at("main")
    assert here.complaints == []


def test_somebody_new_picks_films(keys: Any) -> None:
    here, by = keys()
    page = here.open("/viewers")
    by.go_to("Somebody new")
    by.press("Enter")
    page.wait_for_url("**/start")
    page.locator(".pick").first.wait_for()
    by.expect_at("main")
    by.go_to("I don't know it: ")
    by.press("Enter")
    by.expect("I don't know it: ")
    by.go_to("I like it: ", "Shift+Tab")
    for picked in range(4):
        by.press("Enter")
        page.get_by_text(f"{picked + 1} picked").wait_for()
        by.expect("I like it: ")
    by.go_to("Remove")
    by.press("Enter")
    page.get_by_text("3 picked").wait_for()
    by.expect("Remove")
    by.go_to("Look for a film", "Shift+Tab")
    page.keyboard.type("star")
    page.locator(".pick").first.wait_for()
    by.go_to("That's me")
    by.press("Enter")
    page.wait_for_url(here.url + "/")
    by.expect_at("main")
    assert here.complaints == []


def test_a_file_is_imported_taken_back_and_everything_erased(keys: Any) -> None:
    here, by = keys()
    viewer = VIEWER + 14
    here.become(viewer)
    page = here.open("/mine/import")
    head = b"Const,Your Rating,Date Rated,Title,Title Type,Year\n"
    films = (
        b"tt0133093,9,2026-02-03,The Matrix,movie,1999\ntt0111161,8,2026-02-04,The Shawshank Redemption,movie,1994\n"
    )
    unknown = b"tt9999999,9,2026-02-03,No Such Film,movie,2021\n"
    by.go_to("Your file")
    with page.expect_file_chooser() as chooser:
        by.press("Enter")
    chooser.value.set_files({"name": "ratings.csv", "mimeType": "text/csv", "buffer": head + films + unknown})
    by.go_to("If it is a list")
    by.go_to("Look first")
    by.press("Enter")
    page.get_by_text("would be stored").wait_for()
    by.expect("Look first")
    by.go_to("Import$")
    by.press("Enter")
    page.get_by_text("1 row matches no film").wait_for()
    by.expect("Import$")
    imported = events(viewer, occurred_at__date="2026-02-03")
    assert imported.exists()
    by.go_to("Take this file back")
    by.press("Enter")
    page.get_by_text("The file is being taken back").wait_for()
    by.expect("Take this file back")
    assert tasks.run_import_undo(str(Job.objects.get(kind=Job.Kind.IMPORT_UNDO).pk))["taken"]  # as a worker does
    page.get_by_text("2 entries were taken back").wait_for()
    by.expect_at("main")
    assert not imported.exists()
    by.go_to("Import$", "Shift+Tab")
    by.press("Enter")
    page.get_by_text("2 new entries were stored").wait_for()
    by.go_to("1 row matches no film")  # the table scrolls

    page = here.open("/mine/ratings")
    count = page.locator(".results li").count()
    by.go_to("Take back")
    by.press("Enter")
    wait_for(page, f"document.querySelectorAll('.results li').length < {count}")
    by.expect("Take back")

    page = here.open("/mine/data")
    by.go_to("Download my data")
    with page.expect_download():
        by.press("Enter")
    by.expect("Download my data")
    by.go_to("Erase my data")
    by.press("Enter")
    by.expect_at("dialog")
    by.press("Escape")
    by.expect("Erase my data")
    by.press("Enter")
    by.go_to("Yes, erase everything")
    by.press("Enter")
    page.get_by_text("Nothing of you is left").wait_for()
    by.expect_at("main")
    assert not Viewer.objects.filter(pk=viewer).exists()
    page.get_by_text("Choose who is watching").wait_for()
    by.expect_at("main")
    assert here.complaints == []


def test_behind_the_glass_a_call_is_copied(keys: Any) -> None:
    here, by = keys(permissions=["clipboard-read", "clipboard-write"])
    page = here.become()
    by.go_to("Language, colours and details")
    by.press("Enter")
    by.go_to("Colours")
    by.press("ArrowDown")
    wait_for(page, "document.documentElement.dataset.theme === 'light'")
    by.go_to("Behind the glass")
    by.press("Space")
    by.press("Escape")
    by.expect("Language, colours and details")
    by.go_to("GET /home", "Shift+Tab")  # the end of the page, without the way through all rows
    by.press("Enter")
    by.go_to("Copy as curl")
    by.press("Enter")
    by.expect("Copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith(f"curl -s '{here.url}/home?")
    by.go_to("Close", "Shift+Tab")
    by.press("Enter")
    by.expect("Language, colours and details")
    assert here.complaints == []


def test_behind_the_glass_is_one_step_from_the_top_of_a_page_and_one_back(keys: Any) -> None:
    here, by = keys()
    page = here.become()
    page.evaluate("localStorage['movierec.glass'] = 'true'")
    page.goto(here.url + f"/film/{FILM}")
    here.settle()
    assert page.get_by_role("complementary", name="Behind the glass").count() == 1
    by.press("Tab")
    by.expect("Skip to the content")
    by.press("Tab")
    by.expect("Skip to what is behind the glass")
    by.press("Enter")
    wait_for(page, "document.activeElement.id === 'glass'")
    assert by.focused()["seen"]
    by.press("Tab")
    by.expect("Skip to the content")
    by.press("Enter")
    by.expect_at("main")
    by.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    assert here.complaints == []


def test_what_went_wrong_is_tried_again(keys: Any) -> None:
    here, by = keys()
    page = here.become()
    page.route("**/home?*", lambda route: route.fulfill(status=500, body="{}"))
    page.goto(here.url + "/")
    page.get_by_role("heading", name="Something went wrong").wait_for()
    page.unroute("**/home?*")
    by.go_to("Try again")
    by.press("Enter")
    page.locator("[data-film]").first.wait_for()
    by.expect_at("main")


def test_who_comes_back_finds_the_import_that_runs_and_then_its_report(keys: Any) -> None:
    here, _ = keys()
    viewer = VIEWER + 15
    here.become(viewer)
    page = here.open("/mine/import")
    rows = b"".join(b"tt%07d,9,2026-02-03,No Such Film %d,movie,2021\n" % (9_000_000 + n, n) for n in range(LONG_FILE))
    file = b"Const,Your Rating,Date Rated,Title,Title Type,Year\n" + rows
    page.get_by_label("Your file").set_input_files({"name": "ratings.csv", "mimeType": "text/csv", "buffer": file})
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("It waits for its turn").wait_for()
    here.open("/browse")
    page = here.open("/mine/import")
    page.get_by_text("Your last file").wait_for()
    page.get_by_text("It waits for its turn").wait_for()
    here.become(viewer + 1)
    page = here.open("/mine/import")
    assert page.get_by_text("Your last file").count() == 0, "another viewer's"

    assert tasks.run_import(str(Job.objects.latest("created_at").pk))["taken"]  # as a worker does
    here.become(viewer)
    page = here.open("/mine/import")
    page.get_by_text("Your last file").wait_for()
    page.get_by_text(f"{LONG_FILE} rows match no film").wait_for()
    Job.objects.all().delete()  # as time does
    page = here.open("/mine/import")
    wait_for(page, "!document.body.innerText.includes('Reading')")
    assert page.locator(".trouble, .note, .report").count() == 0
