#!/usr/bin/env python
"""Django's command line. `./run manage ARGS` runs it with the embedded servers up."""

import os
import sys

from infrastructure.disk_space import storage_problem
from infrastructure.resources import limit_threads

MISSING_SCHEMA_STATES = ("42P01", "42703")  # SQLSTATE: table, column


def main(arguments: list[str]) -> None:
    """Run the command; an operator's mistake (a refused setting, a server that is not there) ends in one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "movierec.settings")
    limit_threads()
    # After the limit, which counts only before torch is loaded, by whatever a command imports.
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError, ProgrammingError

    try:
        execute_from_command_line(arguments)
    except Exception as error:
        if "--traceback" in arguments:
            raise
        if (problem := storage_problem(error)) is not None:
            sys.exit(f"error: {problem.message}")
        state = getattr(error.__cause__, "sqlstate", "")
        if isinstance(error, ProgrammingError) and state in MISSING_SCHEMA_STATES:
            sys.exit("error: The database lacks tables of this version: `./run manage migrate` makes them.")
        if isinstance(error, ImproperlyConfigured):
            sys.exit(f"error: {error}")
        if isinstance(error, OperationalError):
            sys.exit(f"error: Postgres: {error}\nDATABASE_URL says where it is; --traceback shows who asked.")
        raise


if __name__ == "__main__":
    main(sys.argv)
