"""Take screenshots of admin pages on a screen and a phone, light and dark."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import which
from typing import Any

SIZES = {"screen": (1280, 900), "phone": (390, 844)}  # pixels
SCHEMES = ("light", "dark")
VARIANTS = re.compile(r": (page \d|by |search |with )")  # of a list: all look the same
TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"


def playwright_or_exit() -> Any:
    """Return Playwright's context manager. Raises `SystemExit` that says what is missing."""
    try:  # an optional package
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SystemExit("--pictures takes a browser: `.venv/bin/pip install -r requirements-dev.txt`.") from None
    if not which("chromium"):
        raise SystemExit("--pictures takes a browser: install Debian's package chromium.")
    return sync_playwright()


def take_screenshots(folder: Path, address: str, cookie: str, pages: Mapping[str, str]) -> list[str]:
    """Save a screenshot of each page in `folder`; return the browser's complaints and the pages wider than their
    window. `cookie` is the header of a session that is logged in.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: path for name, path in pages.items() if not VARIANTS.search(name)}
    cookies = [
        dict(zip(("name", "value"), cookie_text.split("=", 1), strict=True), url=address)
        for cookie_text in cookie.split("; ")
    ]
    complaints: list[str] = []
    with playwright_or_exit() as playwright:
        chromium = playwright.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
        for size, (width, height) in SIZES.items():
            for scheme in SCHEMES:
                context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
                context.add_cookies(cookies)
                for name, path in paths.items():
                    file_name = "".join(letter if letter.isalnum() else "-" for letter in name)
                    picture = folder / f"{file_name}-{size}-{scheme}.png"
                    complaints += [
                        f"{name}, {size}, {scheme}: {complaint}"
                        for complaint in _page_problems(context, address, path, picture)
                    ]
                context.close()
        chromium.close()
    return complaints


def _page_problems(context: Any, address: str, path: str, picture: Path) -> Iterator[str]:
    """Save the screenshot and yield what is wrong with the page; posters may be unreachable."""
    page, problems = context.new_page(), list[str]()

    def on_console(message: Any) -> None:
        if message.type == "error" and not message.location["url"].startswith("https://image.tmdb.org/"):
            problems.append(message.text)

    page.on("console", on_console)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(address + path, wait_until="load")
    page.screenshot(path=picture, full_page=True)
    if (wide := page.evaluate(TOO_WIDE)) > 0:
        problems.append(f"{wide} pixels wider than the window")
    page.close()
    yield from problems
