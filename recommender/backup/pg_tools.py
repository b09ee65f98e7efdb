"""Postgres' own programs on the database of the settings: one snapshot out, one transaction in."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from django.db import connection, transaction
from django.db.backends.postgresql.client import DatabaseClient

from infrastructure.errors import SetupError
from infrastructure.logs import redact_row_values
from infrastructure.postgres_programs import postgres_bin_dir

LOCK_SECONDS = 30
# Sessions and failed logins: nothing that a copy should hold.
EXCLUDED_DATA = ("django_session", "axes_accessattempt", "axes_accessfailurelog", "axes_accesslog")


class DumpFailed(Exception):
    """A program of Postgres failed; the message is its own. The database is as it was."""


def server_version() -> str:
    """Return the server's version, as in 17.2."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0]).split()[0]


def _check_version() -> None:
    """Raise DumpFailed unless programs and server are of one version: a restore would find out when it is too late."""
    version = subprocess.run([_program_path("pg_dump"), "--version"], capture_output=True, text=True).stdout
    programs = re.search(r"\) (\d+)", version)
    server = re.match(r"\d+", server_version())
    if programs and server and programs[1] != server[0]:
        raise DumpFailed(
            f"The server is Postgres {server[0]}, its programs here are of {programs[1]}. Set MOVIEREC_POSTGRES_BIN to "
            f"the folder of the server's own (Debian: /usr/lib/postgresql/{server[0]}/bin)."
        )


@contextmanager
def export_snapshot() -> Iterator[str]:
    """Yield the name of a snapshot; queries of the block see exactly what a dump of it holds."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        yield str(cursor.fetchone()[0])


def dump(snapshot: str, path: Path) -> Iterator[int]:
    """Write the snapshot's dump, compressed; yield the bytes written so far. Raises DumpFailed."""
    _check_version()
    excluded = [f"--exclude-table-data={table}" for table in EXCLUDED_DATA]
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={path}"]
    with tempfile.TemporaryFile() as output:
        child = _start_program("pg_dump", [*options, *excluded], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        with _kill_at_exit(child):
            while True:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(0.2)
                    break
                yield path.stat().st_size if path.exists() else 0
        if child.returncode:
            raise DumpFailed(f"pg_dump: {_last_output(output)}")


def replace_database(content: Iterable[bytes], final_sql: str) -> None:
    """Put a dump in place of all tables, then run the statements of `final_sql`, in one transaction.

    Whatever ends it early leaves the database as it was. Raises DumpFailed, and what `content` raises.
    """
    _check_version()
    opening = f"BEGIN; SET LOCAL lock_timeout = '{LOCK_SECONDS}s'; DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n"
    connection.close()  # its locks would be in the way
    with tempfile.TemporaryFile() as output:
        psql = _start_program(
            "psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1"], stdin=subprocess.PIPE, stdout=output, stderr=output
        )
        assert psql.stdin is not None
        with _kill_at_exit(psql):
            try:
                psql.stdin.write(opening.encode())
                psql.stdin.flush()
                _write_statements(content, psql.stdin)
                with _block_signals():
                    psql.stdin.write(f"{final_sql}\nCOMMIT;\n".encode())
                    psql.stdin.close()
                    psql.wait()
            except (BrokenPipeError, DumpFailed) as error:
                with suppress(subprocess.TimeoutExpired):
                    psql.wait(1)
                if not psql.returncode:  # it saw no error of its own: it ends without a COMMIT
                    raise DumpFailed(str(error)) from error
        if psql.returncode:
            raise DumpFailed(f"Postgres refused: {_last_output(output)}")


def _write_statements(content: Iterable[bytes], psql: IO[bytes]) -> None:
    """Have pg_restore write the dump as statements to PSQL. Raises DumpFailed."""
    command = [_program_path("pg_restore"), "--no-owner", "--no-privileges", "--no-comments", "--file=-"]
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=psql, stderr=output)
        assert child.stdin is not None
        with _kill_at_exit(child):
            with suppress(BrokenPipeError):  # the program ended; its output says why
                for block in content:
                    child.stdin.write(block)
                child.stdin.close()
            child.wait()
        if child.returncode:
            raise DumpFailed(f"pg_restore: {_last_output(output)}")


def _start_program(program: str, options: list[str], **popen_options: Any) -> "subprocess.Popen[bytes]":
    """Start a program with the arguments and variables that Django gives psql; the password is no argument."""
    arguments, variables = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    variables = {"PGCONNECT_TIMEOUT": "5", "LC_ALL": "C"} | (variables or {})
    command = [_program_path(program), *options, *arguments[1:]]
    return subprocess.Popen(command, env=os.environ | variables, start_new_session=True, **popen_options)


def _program_path(name: str) -> str:
    try:
        program = postgres_bin_dir() / name
    except SetupError as error:
        raise DumpFailed(str(error)) from error
    if not program.exists():
        raise DumpFailed(f"{program} is not there: set MOVIEREC_POSTGRES_BIN to the folder of Postgres' programs.")
    return str(program)


@contextmanager
def _block_signals() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back: whether the commit was done must be known."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _kill_at_exit(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Kill the child at the end of the block, however the block ends."""
    try:
        yield
    finally:
        if child.poll() is None:
            child.kill()
        if child.stdin is not None:
            with suppress(BrokenPipeError):
                child.stdin.close()
        child.wait()


def _last_output(output: IO[bytes]) -> str:
    """Return the end of a program's output, without the rows that it quotes."""
    output.seek(max(0, output.seek(0, os.SEEK_END) - 4_000))
    lines = redact_row_values(output.read().decode(errors="replace")).splitlines()
    messages = [re.sub(r"^(pg_dump|pg_restore|psql[^ ]*): ", "", line) for line in lines if line]
    return " ".join(messages)[-600:] or "it ended without a message."
