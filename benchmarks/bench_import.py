"""Import a MovieLens set and compare with a bare COPY of the same rows, on isolated servers, in one run.

rows_per_s       ratings / seconds of the whole import: files read and checked, films, events, indexes, commit
copy_rows_per_s  the same rows, ready in Postgres' own binary format, by COPY into an identical empty table with
                 the same keys, indexes and constraints
ratio            the first over the second
peak_mb          maximum resident memory of the importing process
bytes_per_event  on Postgres' disk, the table's indexes included"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.isolated_process import run_isolated
from benchmarks.report import print_report
from benchmarks.synthetic_data import write_synthetic_movielens
from movierec.local import embedded_servers
from movierec.local.server_paths import DATABASE_NAME, database_url, redis_url, socket_dir

RATINGS, QUICK_RATINGS = 2_000_000, 1_000_000
_EVENTS = "catalog_watchevent"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--quick", action="store_true", help=f"generate {QUICK_RATINGS:,} ratings, not {RATINGS:,}")


def run(args: argparse.Namespace) -> None:
    """Measure both and print the report."""
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o711)  # as root, Postgres runs as another user, who must have access
        generated = folder / "simulated"
        generated.mkdir()
        data = args.data or write_synthetic_movielens(generated, QUICK_RATINGS if args.quick else RATINGS)
        state = folder / "state"
        with embedded_servers.running_servers(state):
            imported = run_isolated(_import, state, data.resolve())
            copy_seconds = _bare_copy(state, folder / "rows.bin", imported["rows"])
    _report(imported, copy_seconds)


def _import(state: Path, data: Path) -> dict[str, Any]:
    os.environ["MOVIEREC_STATE"] = str(state)
    os.environ["DATABASE_URL"] = database_url(state)
    os.environ["REDIS_URL"] = redis_url(state)
    os.environ["DJANGO_SETTINGS_MODULE"] = "movierec.settings"
    import django  # after its settings are in the environment

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return import_dataset(data)


def import_dataset(data: Path) -> dict[str, Any]:
    """Import a data set into the database of this process's Django and return the measurements."""
    from django.db import connection  # after Django is set up for the system

    from catalog.loading import load_dataset
    from catalog.movielens import read_movielens

    started = time.perf_counter()
    report = load_dataset(read_movielens(data))
    seconds = time.perf_counter() - started
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [_EVENTS])
        size = int(cursor.fetchone()[0])
    return {
        "name": report.name,
        "movies": report.movies,
        "rows": report.events,
        "seconds": seconds,
        "events_seconds": report.events_seconds,
        "bytes": size,
    }


def _bare_copy(state: Path, file: Path, rows: int) -> float:
    """Return the seconds of COPY and commit. Writing the file of rows and creating the table are not counted."""
    host = str(socket_dir(state))
    with psycopg.connect(host=host, user=DATABASE_NAME, dbname=DATABASE_NAME, autocommit=True) as connection:
        with file.open("wb") as out, connection.cursor().copy(f"COPY {_EVENTS} TO STDOUT (FORMAT binary)") as copy:
            for block in copy:
                out.write(block)
        connection.execute(f"CREATE TABLE bare_copy (LIKE {_EVENTS} INCLUDING ALL)")
        keys = connection.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'",
            [_EVENTS],
        )
        for (definition,) in keys.fetchall():
            connection.execute(f"ALTER TABLE bare_copy ADD {definition}")
        connection.execute("CHECKPOINT")
        started = time.perf_counter()
        with file.open("rb") as source, connection.cursor().copy("COPY bare_copy FROM STDIN (FORMAT binary)") as copy:
            while block := source.read(1 << 20):
                copy.write(block)
        seconds = time.perf_counter() - started
        copied = connection.execute("SELECT count(*) FROM bare_copy").fetchone()
        if copied != (rows,):
            raise RuntimeError(f"bare COPY wrote {copied} rows, the import {rows}: the comparison does not hold")
    return seconds


def _report(imported: dict[str, Any], copy_seconds: float) -> None:
    rows = imported["rows"]
    rates = {name: rows / seconds for name, seconds in (("whole", imported["seconds"]), ("copy", copy_seconds))}
    result = {
        "bench": "import",
        "preset": "default",
        "parameters": 0,  # no model takes part
        "movies": imported["movies"],
        "rows": rows,
        "rows_per_s": round(rates["whole"]),
        "copy_rows_per_s": round(rates["copy"]),
        "ratio": round(rates["whole"] / rates["copy"], 3),
        "peak_mb": round(imported["peak_mb"]),
        "bytes_per_event": round(imported["bytes"] / rows),
        "seconds": round(imported["seconds"], 2),
        "events_seconds": round(imported["events_seconds"], 2),
        "copy_seconds": round(copy_seconds, 2),
    }
    print_report(
        f"Import of {imported['name']}: {rows:,} ratings, {imported['movies']:,} films, peak {result['peak_mb']} MB",
        ("", "seconds", "rows a second"),
        (
            ("whole import", imported["seconds"], rates["whole"]),
            ("  of it the events", imported["events_seconds"], rows / imported["events_seconds"]),
            ("bare COPY", copy_seconds, rates["copy"]),
        ),
        result,
    )
