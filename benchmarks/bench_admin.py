"""Every page of the admin over HTTP, as a superuser, on a running system of its own with lists for every viewer and
what a site gathers in time: impressions, jobs, versions, rules, staff.

cold      the first time that this web process is asked for the page
warm      asked again: the median
queries   that one answer makes of the database
--pictures also opens every kind of page in a browser: browser_complaints are errors of its console, requests that
          failed and pages that are wider than their window; null where no browser looked

Lists are asked for as they are, by their second and last page, under each sorting, search and filter; of records those
with the most behind them. Times are of the client: from the request's first byte to the answer's last."""

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
NAME, PASSWORD = "benchmark", "asked for every page"
SETTINGS = {"DJANGO_SETTINGS_MODULE": "benchmarks.serving.settings"}
MAX_MS, MAX_QUERIES = 300.0, 15  # of a page
TABLE_ROWS = 25  # pages in the table, beside those above a limit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--people", type=Path, metavar="FILE", help="directors and actors for --data")
    parser.add_argument("--preset", default="default", help="the shape of the model")
    parser.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="leave pictures there: screen and phone, light and dark"
    )
    parser.add_argument("--quick", action="store_true", help="fewer viewers and repetitions")


def run(given: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    with isolated_system(**SETTINGS) as system:
        stage = load_and_build(given.data, QUICK_RATINGS if given.quick else RATINGS, given.preset, given.people)
        lists = populate_and_fill()
        system.serve()
        address = Server("127.0.0.1", int(os.environ["PORT"]), "")
        cookie = _log_in(address)
        found = measure_pages(address, cookie, QUICK_WARM if given.quick else WARM)
        complaints = take_pictures(given.pictures, address, cookie, found) if given.pictures else None
        _report(found, complaints, stage, given.preset, lists)


class Page(NamedTuple):
    name: str
    path: str
    cold_ms: float
    warm_ms: float
    queries: int
    status: int


def populate_and_fill() -> int:
    """Fills the system beside its catalogue and viewers; how many lists are stored."""
    from django.contrib.auth.models import User
    from django.db import connection

    from benchmarks.admin.populate import populate_site

    populate_site()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # as Postgres does by itself in time
    User.objects.create_superuser(NAME, password=PASSWORD)
    return int(fill_lists()["viewers"])


def measure_pages(server: Server, cookie: str, warm: int) -> list[Page]:
    from benchmarks.admin.pages import admin_pages

    connection = Connection(server)
    return [_time_page(connection, cookie, name, path, warm) for name, path in admin_pages().items()]


def take_pictures(folder: Path, server: Server, cookie: str, found: list[Page]) -> list[str]:
    """Leaves pictures of the pages that there are; what a browser has to complain of."""
    from benchmarks.admin.screenshots import take_screenshots

    chosen = {page.name: page.path for page in found if page.status == 200}
    return take_screenshots(folder, f"http://{server.host}:{server.port}", cookie, chosen)


def _log_in(server: Server) -> str:
    """The cookies of who has logged in through the page, as a header's value."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    address = f"http://{server.host}:{server.port}/admin/login/"
    browser.open(address).close()
    [token] = [cookie.value for cookie in jar if cookie.name == "csrftoken"]
    sent = {"username": NAME, "password": PASSWORD, "csrfmiddlewaretoken": token, "next": "/admin/"}
    browser.open(address, urlencode(sent).encode()).close()
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
        answer = connection.send(request)
        times.append(1000 * (time.perf_counter() - started))
    answer = connection.send(with_query_count(request))
    return Page(
        name, path, times[0], median(times[1:]), int(answer.headers.get(QUERY_COUNT_HEADER.lower(), 0)), answer.status
    )


def _report(found: list[Page], complaints: list[str] | None, stage: ServingFixture, shape: str, lists: int) -> None:
    from catalog.models import Viewer, WatchEvent

    if failed := [f"{page.name} ({page.status})" for page in found if page.status not in (200, 302, 403)]:
        raise SystemExit(f"{len(failed)} pages failed: {', '.join(failed)}")
    shown = [page for page in found if page.status == 200]
    over = [page for page in shown if page.warm_ms > MAX_MS or page.queries > MAX_QUERIES]
    slowest = sorted(shown, key=lambda page: -page.warm_ms)
    worst: dict[str, Any] = {
        name: max(shown, key=lambda page: float(getattr(page, name))) for name in ("cold_ms", "warm_ms", "queries")
    }
    result = {
        "bench": "admin",
        "preset": shape,
        "parameters": sum(p.numel() for p in stage.ranker.model.parameters()),
        "movies": len(stage.ranker.vocab),
        "viewers": Viewer.objects.count(),
        "events": WatchEvent.objects.count(),
        "lists": lists,
        "pages": {page.name: [round(page.cold_ms), round(page.warm_ms), page.queries] for page in shown},
        **{f"worst_{name}": {"page": page.name, "value": round(getattr(page, name))} for name, page in worst.items()},
        "over": [page.name for page in over],
        "browser_complaints": complaints,
    }
    print_report(
        f"{len(shown)} pages of the admin, {result['events']:,} events of {result['viewers']:,} viewers; "
        f"{len(over)} above {MAX_MS:.0f} ms or {MAX_QUERIES} queries",
        ("", "cold ms", "warm ms", "queries"),
        [
            (page.name, round(page.cold_ms), round(page.warm_ms), page.queries)
            for page in dict.fromkeys([*slowest[:TABLE_ROWS], *over])
        ],
        result,
    )
