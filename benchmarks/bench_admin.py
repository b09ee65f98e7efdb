"""Load every page of the admin over HTTP, as a superuser, on an isolated system with lists for every viewer and what a
site collects over time: impressions, jobs, versions, rules, staff.

cold      first request for the page to this web process
warm      median of the requests after it
queries   database queries of one response
--pictures also opens every kind of page in a browser: browser_complaints are errors of its console, requests that
          failed and pages that are wider than their window; null without a browser

Lists are loaded as they are, at their second and last page, and under each sorting, search and filter; of the records
those with the most related rows. Times are of the client: from the request's first byte to the response's last."""

import argparse
import http.cookiejar
import os
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import urlencode

import torch

from benchmarks.bench_batch import fill_lists
from benchmarks.benchmark_system import isolated_system
from benchmarks.report import print_report
from benchmarks.serving.client import QUERY_COUNT_HEADER, Connection, Server, with_query_count
from benchmarks.serving.fixture import ServingFixture, load_and_build

RATINGS, QUICK_RATINGS = 1_000_000, 200_000
WARM, QUICK_WARM = 7, 2  # times
NAME, PASSWORD = "benchmark", "loads every page"
SETTINGS = {"DJANGO_SETTINGS_MODULE": "benchmarks.serving.settings"}
MAX_MS, MAX_QUERIES = 300.0, 15  # of a page
TABLE_ROWS = 25  # pages in the table, besides those above a limit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--people", type=Path, metavar="FILE", help="directors and actors for --data")
    parser.add_argument("--preset", default="default", help="the shape of the model")
    parser.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="save screenshots there: screen and phone, light and dark"
    )
    parser.add_argument("--quick", action="store_true", help="fewer viewers and repetitions")


def run(args: argparse.Namespace) -> None:
    """Measure every page and print the report."""
    torch.set_num_threads(1)
    with isolated_system(**SETTINGS) as system:
        fixture = load_and_build(args.data, QUICK_RATINGS if args.quick else RATINGS, args.preset, args.people)
        lists = populate_and_fill()
        system.serve()
        server = Server("127.0.0.1", int(os.environ["PORT"]), "")
        cookie = _log_in(server)
        pages = measure_pages(server, cookie, QUICK_WARM if args.quick else WARM)
        complaints = take_pictures(args.pictures, server, cookie, pages) if args.pictures else None
        _report(pages, complaints, fixture, args.preset, lists)


class Page(NamedTuple):
    """One page with its measurements."""

    name: str
    path: str
    cold_ms: float
    warm_ms: float
    queries: int
    status: int


def populate_and_fill() -> int:
    """Add what a site has besides catalogue and viewers, store lists for all viewers and return their number."""
    # Django is configured by isolated_system, after this module is imported; so everywhere in the benchmarks.
    from django.contrib.auth.models import User
    from django.db import connection

    from benchmarks.admin.populate import populate_site

    populate_site()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # as Postgres does by itself in time
    User.objects.create_superuser(NAME, password=PASSWORD)
    return int(fill_lists()["viewers"])


def measure_pages(server: Server, cookie: str, warm: int) -> list[Page]:
    """Request every page once cold and `warm` times more."""
    from benchmarks.admin.pages import admin_pages

    connection = Connection(server)
    return [_time_page(connection, cookie, name, path, warm) for name, path in admin_pages().items()]


def take_pictures(folder: Path, server: Server, cookie: str, pages: list[Page]) -> list[str]:
    """Save screenshots of the pages that load, and return a browser's complaints."""
    from benchmarks.admin.screenshots import take_screenshots

    paths = {page.name: page.path for page in pages if page.status == 200}
    return take_screenshots(folder, f"http://{server.host}:{server.port}", cookie, paths)


def _log_in(server: Server) -> str:
    """Log in through the login page and return the cookies as a header's value."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    address = f"http://{server.host}:{server.port}/admin/login/"
    browser.open(address).close()
    [token] = [cookie.value for cookie in jar if cookie.name == "csrftoken"]
    form = {"username": NAME, "password": PASSWORD, "csrfmiddlewaretoken": token, "next": "/admin/"}
    browser.open(address, urlencode(form).encode()).close()
    cookies = {cookie.name: cookie.value for cookie in jar}
    if "sessionid" not in cookies:
        raise SystemExit("The admin's login refused the benchmark's own superuser.")
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _time_page(connection: Connection, cookie: str, name: str, path: str, warm: int) -> Page:
    server = connection.server
    lines = [f"GET {path} HTTP/1.1", f"Host: {server.host}:{server.port}", f"Cookie: {cookie}", "Accept-Encoding: gzip"]
    request = "\r\n".join([*lines, "", ""]).encode()
    times = []
    for _ in range(1 + warm):
        started = time.perf_counter()
        connection.send(request)
        times.append(1000 * (time.perf_counter() - started))
    response = connection.send(with_query_count(request))
    queries = int(response.headers.get(QUERY_COUNT_HEADER.lower(), 0))
    return Page(name, path, times[0], median(times[1:]), queries, response.status)


def _report(pages: list[Page], complaints: list[str] | None, fixture: ServingFixture, preset: str, lists: int) -> None:
    from catalog.models import Viewer, WatchEvent

    if failed := [f"{page.name} ({page.status})" for page in pages if page.status not in (200, 302, 403)]:
        raise SystemExit(f"{len(failed)} pages failed: {', '.join(failed)}")
    loaded = [page for page in pages if page.status == 200]
    over = [page for page in loaded if page.warm_ms > MAX_MS or page.queries > MAX_QUERIES]
    slowest = sorted(loaded, key=lambda page: -page.warm_ms)
    worst: dict[str, Any] = {
        name: max(loaded, key=lambda page: float(getattr(page, name))) for name in ("cold_ms", "warm_ms", "queries")
    }
    result = {
        "bench": "admin",
        "preset": preset,
        "parameters": sum(p.numel() for p in fixture.ranker.model.parameters()),
        "movies": len(fixture.ranker.vocab),
        "viewers": Viewer.objects.count(),
        "events": WatchEvent.objects.count(),
        "lists": lists,
        "pages": {page.name: [round(page.cold_ms), round(page.warm_ms), page.queries] for page in loaded},
        **{f"worst_{name}": {"page": page.name, "value": round(getattr(page, name))} for name, page in worst.items()},
        "over": [page.name for page in over],
        "browser_complaints": complaints,
    }
    print_report(
        f"{len(loaded)} pages of the admin, {result['events']:,} events of {result['viewers']:,} viewers; "
        f"{len(over)} above {MAX_MS:.0f} ms or {MAX_QUERIES} queries",
        ("", "cold ms", "warm ms", "queries"),
        [
            (page.name, round(page.cold_ms), round(page.warm_ms), page.queries)
            for page in dict.fromkeys([*slowest[:TABLE_ROWS], *over])
        ],
        result,
    )
