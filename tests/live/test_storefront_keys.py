"""The storefront by keys alone, in a real Chromium: the focus is seen, and never lost."""

import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from catalog.models import WatchEvent
from tests.support.live_server import LiveServer
from tests.support.storefront import Visit, wait_for
from tests.support.workers import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromium"), reason="there is no Chromium: install Debian's package chromium"),
]

ACTS = (("Seen", "watch"), ("Like", "like"), ("Watchlist", "watchlist"), ("Not for me", "not_interested"))
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
            wait_until(lambda: (found := self.focused())["seen"] and re.match(name, found["name"]), 60)
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
        wait_until(lambda made=made: not made.exists())

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
