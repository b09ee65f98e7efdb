#!/usr/bin/env python
"""Django's command line. `./run manage ARGS` runs it with the embedded servers up."""

import os
import sys

from infrastructure.resources import limit_threads

MISSING_SCHEMA_STATES = ("42P01", "42703")  # SQLSTATE: table, column


def main(words: list[str]) -> None:
    """An operator's mistake (a setting that is refused, a server that is not there) ends in one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "movierec.settings")
    limit_threads()
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError, ProgrammingError

    from infrastructure import disk_space

    try:
        execute_from_command_line(words)
    except Exception as error:
        trouble = disk_space.storage_problem(error)
        no_tables = (
            isinstance(error, ProgrammingError) and getattr(error.__cause__, "sqlstate", "") in MISSING_SCHEMA_STATES
        )
        known = trouble is not None or no_tables or isinstance(error, ImproperlyConfigured | OperationalError)
        if "--traceback" in words or not known:
            raise
        if trouble is not None:
            sys.exit(f"error: {trouble.message}")
        if no_tables:
            sys.exit("error: The database lacks tables of this version: `./run manage migrate` makes them.")
        if isinstance(error, ImproperlyConfigured):
            sys.exit(f"error: {error}")
        sys.exit(f"error: Postgres: {error}\nDATABASE_URL says where it is; --traceback shows who asked.")


if __name__ == "__main__":
    main(sys.argv)
