"""Open the storefront's home page in headless Chromium, its processor slowed down four times, on an isolated system.
Each visit is a new browser's, the server is warm.

fcp_ms, lcp_ms       first and largest contentful paint
shift                cumulative layout shift, until the rows are there and a second longer
click_ms             from the click on "Seen" to the changed row, its mark drawn
stored_ms            from the same click to the answer that the event is stored
js_kb                JavaScript of the first page, gzipped, kB
js_sent_kb           the same as this browser gets it: Brotli
api_calls            calls of the API for the page, the viewer's token among them

Figures are medians over the visits."""

import argparse
import json
import os
import shutil
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.benchmark_system import isolated_system
from benchmarks.report import print_report
from benchmarks.serving.fixture import load_and_build

RATINGS, QUICK_RATINGS = 1_000_000, 200_000
VISITS, QUICK_VISITS = 9, 3
SLOWDOWN = 4  # times
FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-dev-shm-usage"
MUST = {"fcp_ms": 1000, "lcp_ms": 1800, "click_ms": 300, "js_kb": 120, "shift": 0.05, "api_calls": 3}
ROW_SECONDS = 60.0

_OBSERVE = """
    window.measured = {lcp: 0, shift: 0};
    new PerformanceObserver(list => { for (const one of list.getEntries()) measured.lcp = one.startTime; })
        .observe({type: 'largest-contentful-paint', buffered: true});
    const add = one => { if (!one.hadRecentInput) measured.shift += one.value; };
    new PerformanceObserver(list => list.getEntries().forEach(add)).observe({type: 'layout-shift', buffered: true});
"""
_CLICK = """async () => {
    const card = document.querySelector('[data-row="0"] [data-film]');
    const until = found => new Promise(resolve => {
        const look = () => requestAnimationFrame(() => found() ? resolve(performance.now()) : look());
        look();
    });
    const started = performance.now();
    card.querySelector('.acts button').click();
    const marked = await until(() => card.classList.contains('marked'));
    const stored = await until(() => document.querySelector('.changed'));
    return [marked - started, stored - started];
}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--preset", default="default", help="the shape of the model")
    parser.add_argument("--quick", action="store_true", help="a smaller catalogue and fewer visits")


def run(args: argparse.Namespace) -> None:
    """Measure visits of the home page and print the report."""
    torch.set_num_threads(1)
    with isolated_system() as system:
        fixture = load_and_build(args.data, QUICK_RATINGS if args.quick else RATINGS, args.preset)
        system.serve()
        address = f"http://127.0.0.1:{os.environ['PORT']}"
        viewer, movies = _first_viewer()
        visits = measure(address, fixture.key, viewer, QUICK_VISITS if args.quick else VISITS)
    figures = {name: round(median(visit[name] for visit in visits), 3) for name in visits[0]}
    rows = [[name, figures[name], MUST.get(name, "")] for name in figures]
    over = [name for name, most in MUST.items() if figures[name] > most]
    result = {"bench": "web", "preset": args.preset, "parameters": 0, "movies": movies, "over": over, **figures}
    print_report("The storefront's home page", ["figure", "median", "must"], rows, result)


def _first_viewer() -> tuple[int, int]:
    """Return a viewer with a history, and the number of movies. Raises `SystemExit` where there is no viewer."""
    from catalog.models import Movie, Viewer

    viewer = Viewer.objects.order_by("id").values_list("id", flat=True).first()
    if viewer is None:
        raise SystemExit("The data set has no viewer, and a home page is somebody's: take one with ratings.")
    return viewer, Movie.objects.count()


def measure(address: str, key: str, viewer: int, visits: int) -> list[dict[str, float]]:
    """Return the figures of each visit; the first is not among them, as it warms the server."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("There is no Chromium: install Debian's package chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS.split())
        measured = [_visit(browser, address, key, viewer) for _ in range(visits + 1)]
        browser.close()
    return measured[1:]


def _visit(browser: Any, address: str, key: str, viewer: int) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale="en-US")
    page = context.new_page()
    token = _token(address, key, viewer)
    kept = {f"movierec.token.{viewer}.": token}
    who = {"movierec.viewer": json.dumps({"id": viewer, "label": "bench"})}
    page.add_init_script(
        f"for (const [name, value] of Object.entries({json.dumps(kept)})) sessionStorage[name] = value;"
        f"for (const [name, value] of Object.entries({json.dumps(who)})) localStorage[name] = value; {_OBSERVE}"
    )
    calls: list[str] = []
    scripts: dict[str, int] = {}

    def count(response: Any) -> None:
        if "/static/" not in response.url and response.request.resource_type in ("fetch", "xhr"):
            calls.append(response.url)
        if response.url.endswith(".js"):
            scripts[response.url] = int(response.headers.get("content-length", 0))

    page.on("response", count)
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    page.goto(f"{address}/")
    page.locator("[data-row='0'] [data-film]").first.wait_for(timeout=ROW_SECONDS * 1000)
    page.wait_for_timeout(1000)
    api_calls = len([call for call in calls if not call.endswith("/events")]) + 1  # the token, which lay there
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0")
    measured = page.evaluate("window.measured")
    first_scripts = dict(scripts)  # without those that come ahead of a click
    click_ms, stored_ms = page.evaluate(_CLICK)
    context.close()
    return {
        "fcp_ms": painted,
        "lcp_ms": measured["lcp"],
        "click_ms": click_ms,
        "stored_ms": stored_ms,
        "js_kb": sum(map(_gzipped_size, first_scripts)) / 1000,
        "js_sent_kb": sum(first_scripts.values()) / 1000,
        "shift": measured["shift"],
        "api_calls": api_calls,
    }


def _gzipped_size(address: str) -> int:
    """Return the bytes of a file as a client gets it that takes gzip alone."""
    with urllib.request.urlopen(urllib.request.Request(address, headers={"Accept-Encoding": "gzip"})) as answer:
        return len(answer.read())


def _token(address: str, key: str, viewer: int) -> str:
    body = json.dumps({"user_id": viewer, "scopes": ["read", "events"]}).encode()
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/viewer-tokens", body, headers)
    with urllib.request.urlopen(request) as answer:
        return str(answer.read().decode())
