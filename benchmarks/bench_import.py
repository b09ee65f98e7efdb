"""Import a MovieLens set and compare with a bare COPY of the same rows, on isolated servers, in one run.

rows_per_s       ratings / seconds of the whole import: files read and checked, films, events, indexes, commit
copy_rows_per_s  the same rows, ready in Postgres' own binary format, by COPY into an identical empty table with
                 the same keys, indexes and constraints
ratio            the first over the second
peak_mb          maximum resident memory of the importing process
bytes_per_event  on Postgres' disk, the table's indexes included

Then events as files of rows, as the API and the commands take them, each beside a bare COPY of the same rows:

events_file_rows_per_s    import_rows of a CSV
events_http_rows_per_s    POST /imports/events and the job behind it
events_export_rows_per_s  export as CSV
events_copy_rows_per_s    bare COPY

With --imdb N it imports generated files in IMDb's format into an empty catalogue instead:

imdb_titles      titles, all of which become films
imdb_s           seconds of the whole import: files read, people told apart, indexes, commit
imdb_peak_mb     maximum resident memory of the importing process"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.importing.event_files import measure_event_files
from benchmarks.importing.synthetic_imdb import write_synthetic_imdb
from benchmarks.processes.isolated_process import run_isolated
from benchmarks.report import print_report
from benchmarks.synthetic_data import write_synthetic_movielens
from movierec.local import embedded_servers
from movierec.local.server_paths import DATABASE_NAME, database_url, redis_url, socket_dir

RATINGS, QUICK_RATINGS = 2_000_000, 1_000_000
_EVENTS = "catalog_watchevent"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--data", type=Path, metavar="PATH", help="a MovieLens zip or folder; else one is generated")
    parser.add_argument("--imdb", type=int, metavar="N", help="N titles of IMDb in place of ratings")
    parser.add_argument("--quick", action="store_true", help=f"generate {QUICK_RATINGS:,} ratings, not {RATINGS:,}")


def run(args: argparse.Namespace) -> None:
    """Measure both and print the report."""
    with tempfile.TemporaryDirectory(prefix="movierec-bench-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o711)  # as root, Postgres runs as another user, who must have access
        generated = folder / "simulated"
        generated.mkdir()
        if args.imdb:
            write_synthetic_imdb(generated, args.imdb)
            state = folder / "state"
            with embedded_servers.running_servers(state):
                _report_imdb(run_isolated(_import, state, generated, import_imdb))
            return
        data = args.data or write_synthetic_movielens(generated, QUICK_RATINGS if args.quick else RATINGS)
        state = folder / "state"
        with embedded_servers.running_servers(state):
            imported = run_isolated(_import, state, data.resolve(), import_dataset)
            copy_seconds = _bare_copy(state, folder / "rows.bin", imported["rows"])
            files = run_isolated(_import, state, generated, measure_event_files)
            files["seconds"]["copy"] = _bare_copy(state, folder / "rows.bin", files["rows"])
    _report(imported, copy_seconds, files)


def _import(state: Path, data: Path, work: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    os.environ["MOVIEREC_STATE"] = str(state)
    os.environ["DATABASE_URL"] = database_url(state)
    os.environ["REDIS_URL"] = redis_url(state)
    os.environ["DJANGO_SETTINGS_MODULE"] = "movierec.settings"
    import django  # after its settings are in the environment

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return work(data)


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


def import_imdb(folder: Path) -> dict[str, Any]:
    """Import IMDb's files into the database of this process's Django and return the measurements."""
    from catalog.loading import import_films  # after Django is set up for the system
    from catalog.sources.imdb import read_imdb

    started, steps = time.perf_counter(), dict[str, float]()

    def progress(what: str, done: int, expected: int | None, /) -> None:
        steps.setdefault(what, time.perf_counter() - started)

    report = import_films(read_imdb(folder), progress=progress)
    return {
        "titles": report.added,
        "seconds": report.seconds,
        "people": report.people.people,
        "credits": report.people.credits,
        "translations": report.translations,
        "steps": steps,
    }


def _report_imdb(imported: dict[str, Any]) -> None:
    result = {
        "bench": "import",
        "preset": "default",
        "parameters": 0,  # no model takes part
        "movies": imported["titles"],
        "imdb_titles": imported["titles"],
        "imdb_s": round(imported["seconds"], 1),
        "imdb_peak_mb": round(imported["peak_mb"]),
        "imdb_people": imported["people"],
        "imdb_credits": imported["credits"],
        "imdb_translations": imported["translations"],
    }
    ends = [*list(imported["steps"].values())[1:], imported["seconds"]]
    print_report(
        f"Import of IMDb: {imported['titles']:,} titles, {imported['credits']:,} credits, "
        f"peak {result['imdb_peak_mb']} MB",
        ("step", "seconds"),
        [(step, end - begin) for (step, begin), end in zip(imported["steps"].items(), ends, strict=True)],
        result,
    )


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
        connection.execute("DROP TABLE bare_copy")
    return seconds


def _report(imported: dict[str, Any], copy_seconds: float, files: dict[str, Any]) -> None:
    rows, of_files = imported["rows"], files["rows"]
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
        "events_rows": of_files,
        "events_peak_mb": round(files["peak_mb"]),
    }
    result |= {f"events_{name}_rows_per_s": round(of_files / seconds) for name, seconds in files["seconds"].items()}
    print_report(
        f"Import of {imported['name']}: {rows:,} ratings, {imported['movies']:,} films, peak {result['peak_mb']} MB",
        ("", "seconds", "rows a second"),
        (
            ("whole import", imported["seconds"], rates["whole"]),
            ("  of it the events", imported["events_seconds"], rows / imported["events_seconds"]),
            ("bare COPY", copy_seconds, rates["copy"]),
            *(
                (label, files["seconds"][name], of_files / files["seconds"][name])
                for name, label in (
                    ("file", f"{of_files:,} events by file"),
                    ("http", "the same by HTTP"),
                    ("export", "the same out as CSV"),
                    ("copy", "bare COPY of the same"),
                )
            ),
        ),
        result,
    )
