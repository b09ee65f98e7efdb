"""Bounds that hold wherever a movie or a viewer is read, from files, calls or forms."""

MAX_ID = 2**31 - 1  # of a viewer or a movie, the catalogue's own or an external one: Postgres' integer
BEFORE_ALL_IDS = -(2**31)  # below the id of every viewer and movie: those whose key is a text have ids below zero
MAX_SEQUENCE_ID = MAX_ID - 1_000_000  # ids from clients above it do not move the sequence
# The demo's movies and simulated viewers have ids above it: no site counts so far, and no sequence is moved by them.
DEMO_ID_BASE = 2_147_000_000
MIN_YEAR, MAX_YEAR = 1870, 2200  # of a movie
_DIGITS = len(str(MAX_ID))


def parse_id(text: str) -> int:
    """Return the id that `text` writes in digits; 0, which no record has, for anything else."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0
    return number if number <= MAX_ID else 0
