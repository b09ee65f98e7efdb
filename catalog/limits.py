"""Bounds that hold wherever a film or a viewer is read, from files, calls or forms."""

MAX_ID = 2**31 - 1  # of a viewer or a film, its own or another's: Postgres' integer
MAX_SEQUENCE_ID = MAX_ID - 1_000_000  # given ids above it do not move the ids of films that come without one
# The demo's films and simulated viewers have ids above it: no site counts so far, and no sequence is moved by them.
DEMO_ID_BASE = 2_147_000_000
MIN_YEAR, MAX_YEAR = 1870, 2200  # of a film
_DIGITS = len(str(MAX_ID))


def parse_id(text: str) -> int:
    """The id that `text` writes in digits; 0, which is nobody's, for anything else."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0
    return number if number <= MAX_ID else 0
