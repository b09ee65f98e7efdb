"""Ids that are made: their sequences are one for all tests of a run, and never go back."""

from django.db import connection


def restart_movie_ids(at: int = 1) -> None:
    """Let the next movie without an id of its own get the id `at`, if it is free."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('catalog_movie', 'id'), %s, false)", [at])
