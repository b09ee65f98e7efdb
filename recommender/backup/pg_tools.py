"""Postgres' own programs, on the database of the settings: one snapshot out, one transaction in."""

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
# Who is logged in, and from where logins failed: nothing that a copy should hold.
EXCLUDED_DATA = ("django_session", "axes_accessattempt", "axes_accessfailurelog", "axes_accesslog")


class DumpFailed(Exception):
    """A program of Postgres refused; the message has its words. The database is as it was."""


def server_version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0]).split()[0]


def _check_version() -> None:
    """What newer programs write, an older server refuses at the restore, when it is too late. Raises DumpFailed."""
    told = subprocess.run([_program_path("pg_dump"), "--version"], capture_output=True, text=True).stdout
    ours = re.search(r"\) (\d+)", told)
    server = re.match(r"\d+", server_version())
    if ours and server and ours[1] != server[0]:
        raise DumpFailed(
            f"The server is Postgres {server[0]}, its programs here are of {ours[1]}. Set MOVIEREC_POSTGRES_BIN to the "
            f"folder of the server's own (Debian: /usr/lib/postgresql/{server[0]}/bin)."
        )


@contextmanager
def export_snapshot() -> Iterator[str]:
    """The name of a snapshot; queries of the block see exactly what a dump of it holds."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        yield str(cursor.fetchone()[0])


def dump(name: str, to: Path) -> Iterator[int]:
    """Writes the snapshot's dump, compressed; yields the bytes written so far, to be shown. Raises DumpFailed."""
    _check_version()
    left_out = [f"--exclude-table-data={table}" for table in EXCLUDED_DATA]
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={name}", f"--file={to}"]
    with tempfile.TemporaryFile() as said:
        child = _start_program("pg_dump", [*options, *left_out], stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        with _kill_at_exit(child):
            while True:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(0.2)
                    break
                yield to.stat().st_size if to.exists() else 0
        if child.returncode:
            raise DumpFailed(f"pg_dump: {_last_output(said)}")


def replace_database(content: Iterable[bytes], final_sql: str) -> None:
    """Puts a dump in place of all tables, and then does the statements of `closing`, in one transaction: whatever ends
    it early leaves the database as it was. Raises DumpFailed, and what `content` raises."""
    _check_version()
    opening = f"BEGIN; SET LOCAL lock_timeout = '{LOCK_SECONDS}s'; DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n"
    connection.close()  # ours would be in the way
    with tempfile.TemporaryFile() as said:
        psql = _start_program(
            "psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1"], stdin=subprocess.PIPE, stdout=said, stderr=said
        )
        assert psql.stdin is not None
        with _kill_at_exit(psql):
            try:
                psql.stdin.write(opening.encode())
                psql.stdin.flush()
                _restore_into(content, psql.stdin)
                with _block_signals():
                    psql.stdin.write(f"{final_sql}\nCOMMIT;\n".encode())
                    psql.stdin.close()
                    psql.wait()
            except (BrokenPipeError, DumpFailed) as error:
                if not _exited_with_error(psql):
                    raise DumpFailed(str(error)) from error  # without a COMMIT
        if psql.returncode:
            raise DumpFailed(f"Postgres refused: {_last_output(said)}")


def _restore_into(content: Iterable[bytes], to: IO[bytes]) -> None:
    """Has pg_restore turn the dump into statements. Raises DumpFailed."""
    words = [_program_path("pg_restore"), "--no-owner", "--no-privileges", "--no-comments", "--file=-"]
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=to, stderr=said)
        assert child.stdin is not None
        with _kill_at_exit(child):
            with suppress(BrokenPipeError):  # it ended, and says why
                for block in content:
                    child.stdin.write(block)
                child.stdin.close()
            child.wait()
        if child.returncode:
            raise DumpFailed(f"pg_restore: {_last_output(said)}")


def _exited_with_error(child: "subprocess.Popen[bytes]") -> bool:
    """Whether it ended by itself, with an error, just now."""
    with suppress(subprocess.TimeoutExpired):
        return bool(child.wait(1))
    return False


def _start_program(program: str, options: list[str], **how: Any) -> "subprocess.Popen[bytes]":
    """With the words and variables that Django gives psql, the password not among the words."""
    words, variables = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    variables = {"PGCONNECT_TIMEOUT": "5", "LC_ALL": "C"} | (variables or {})
    words = [_program_path(program), *options, *words[1:]]
    return subprocess.Popen(words, env=os.environ | variables, start_new_session=True, **how)


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
    """No Ctrl-C leaves us without knowing whether the commit was done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _kill_at_exit(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Whatever happens in the block, the child does not outlive it."""
    try:
        yield
    finally:
        if child.poll() is None:
            child.kill()
        if child.stdin is not None:
            with suppress(BrokenPipeError):
                child.stdin.close()
        child.wait()


def _last_output(said: IO[bytes]) -> str:
    """What a program said at its end, without the rows that it quotes."""
    said.seek(max(0, said.seek(0, os.SEEK_END) - 4_000))
    lines = redact_row_values(said.read().decode(errors="replace")).splitlines()
    kept = [re.sub(r"^(pg_dump|pg_restore|psql[^ ]*): ", "", line) for line in lines if line]
    return " ".join(kept)[-600:] or "it ended without a message."
