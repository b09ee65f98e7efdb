"""Events out of the catalogue and in again, by file and over HTTP, as `./run bench import` measures them."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

EVENTS = 200_000  # as many as one call may bring


def measure_event_files(folder: Path) -> dict[str, Any]:
    """Export EVENTS events of the database of this process's Django, and import them into it again.

    Returns the seconds of each step. Over HTTP it is the call and the job behind it, both in this process.
    """
    from django.core.management import call_command
    from django.db import connection

    from catalog.models import WatchEvent

    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM catalog_watchevent
               WHERE id > (SELECT id FROM catalog_watchevent ORDER BY id OFFSET %s LIMIT 1)""",
            [EVENTS - 1],
        )
        cursor.execute("VACUUM ANALYZE catalog_watchevent")
    rows, file = WatchEvent.objects.count(), folder / "events.csv"
    export = partial(call_command, "export", "events", file, "--form", "csv", stderr=_Nowhere())
    seconds = {"export": _seconds(export)}
    for name, work in (("file", _import_file), ("http", _import_over_http)):
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE catalog_watchevent")
            cursor.execute("CHECKPOINT")
        seconds[name] = _seconds(partial(work, file))
        if WatchEvent.objects.count() != rows:
            raise RuntimeError(f"by {name} {WatchEvent.objects.count():,} events of {rows:,} came in")
    return {"rows": rows, "seconds": seconds}


def _import_file(file: Path) -> None:
    from django.core.management import call_command

    call_command("import_rows", "events", file, stdout=_Nowhere())


def _import_over_http(file: Path) -> None:
    from django.test import Client

    from recommender import tasks
    from recommender.models import ApiKey

    _, key = ApiKey.objects.create_key(name="bench", scopes=[ApiKey.Scope.EVENTS])
    client = Client(headers={"authorization": f"Api-Key {key}", "host": "127.0.0.1"})
    answer = client.post("/imports/events", file.read_bytes(), content_type="text/csv")
    if answer.status_code != 202:
        raise RuntimeError(f"POST /imports/events answered {answer.status_code}: {answer.content[:200]!r}")
    tasks.run_import(answer.json()["job_id"])


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, text: str) -> None: ...

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False
