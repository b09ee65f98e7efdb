"""Pages of the admin as a browser shows them: on a screen and a phone, light and dark."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import which
from typing import Any

SIZES = {"screen": (1280, 900), "phone": (390, 844)}  # pixels
SCHEMES = ("light", "dark")
VARIANTS = re.compile(r": (page \d|by |search |with )")  # of a list, which look alike
TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"


def playwright_or_exit() -> Any:
    """Playwright's entry. Raises SystemExit that says what is missing."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SystemExit("--pictures takes a browser: `.venv/bin/pip install -r requirements-dev.txt`.") from None
    if not which("chromium"):
        raise SystemExit("--pictures takes a browser: install Debian's package chromium.")
    return sync_playwright()


def take_screenshots(folder: Path, address: str, cookie: str, pages: Mapping[str, str]) -> list[str]:
    """Leaves a picture of each page in `folder`; what the browser complained of, and what was wider than its window.
    `cookie` is of who has logged in.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shown = {name: path for name, path in pages.items() if not VARIANTS.search(name)}
    cookies = [dict(zip(("name", "value"), one.split("=", 1), strict=True), url=address) for one in cookie.split("; ")]
    found: list[str] = []
    with playwright_or_exit() as started:
        chromium = started.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
        for size, (width, height) in SIZES.items():
            for scheme in SCHEMES:
                context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                context.add_cookies(cookies)
                for name, path in shown.items():
                    picture = folder / f"{_as_file(name)}-{size}-{scheme}.png"
                    found += [
                        f"{name}, {size}, {scheme}: {words}"
                        for words in _page_problems(context, address, path, picture)
                    ]
                context.close()
        chromium.close()
    return found


def _page_problems(context: Any, address: str, path: str, picture: Path) -> Iterator[str]:
    """Leaves the picture; what is wrong with the page. Posters are elsewhere, where no network may lead."""
    page, heard = context.new_page(), list[str]()

    def on_console(message: Any) -> None:
        if message.type == "error" and not message.location["url"].startswith("https://image.tmdb.org/"):
            heard.append(message.text)

    page.on("console", on_console)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(address + path, wait_until="load")
    page.screenshot(path=picture, full_page=True)
    if (wide := page.evaluate(TOO_WIDE)) > 0:
        heard.append(f"{wide} pixels wider than the window")
    page.close()
    yield from heard


def _as_file(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)
