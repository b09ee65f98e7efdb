"""Pictures that do not come, of a real small server: the drawn posters stay, in the storefront and in the admin."""

import shutil
from functools import partial
from operator import contains
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from catalog.models import Movie
from tests.support.live_server import LiveServer
from tests.support.storefront import FILM, PosterServer, wait_for
from tests.support.workers import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("chromium"), reason="there is no Chromium: install Debian's package chromium"),
]

NAMES = ("good.png", "missing.png", "words.png", "hangs.png")
SECRET = "four words or more"
# Width of the picture (0: none came), and whether what is drawn can be seen behind it.
SEEN = """(selector => {
  const tile = document.querySelector(selector), picture = tile?.querySelector("img");
  const clear = !picture || getComputedStyle(picture).backgroundColor.endsWith(" 0)");
  return [picture?.naturalWidth ?? 0, clear && (tile?.querySelector("svg")?.getBoundingClientRect().height ?? 0) > 40];
})"""


@pytest.fixture
def transactional_db(shop: LiveServer) -> None:
    """Replace pytest-django's fixture, so that the rows of the module stay until its end."""


def test_the_drawn_poster_stays_where_a_picture_does_not_come(
    visit: Any, transactional_db: None, shop: LiveServer, posters: PosterServer
) -> None:
    films = {FILM + number: name for number, name in enumerate(NAMES)}
    for film, name in films.items():
        Movie.objects.filter(pk=film).update(poster_url=f"{posters.url}/{name}")
    boss = User.objects.create_superuser("boss", password=SECRET)
    page = visit().page
    page.goto(f"{shop.url}/admin/login/")
    page.locator("[name=username]").fill(boss.get_username())
    page.locator("[name=password]").fill(SECRET)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/")

    for film, name in films.items():
        admin = reverse("admin:catalog_movie_change", args=[film])
        for address, tile in ((f"/film/{film}", ".film-poster"), (admin, ".mr-large .mr-poster")):
            posters.asked.clear()
            page.goto(shop.url + address, wait_until="commit")  # a picture that hangs is waited for, else
            wait_for(page, f"({SEEN})({tile!r})[1]")
            if name == "good.png":
                wait_for(page, f"({SEEN})({tile!r})[0] === 2")
            else:
                wait_until(partial(contains, posters.asked, f"/{name}"))
                page.wait_for_timeout(300)
                assert page.evaluate(f"({SEEN})({tile!r})") == [0, True], (address, name)
