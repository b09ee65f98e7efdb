"""Bounds that hold wherever a film or a viewer is read, from files, calls or forms."""

LARGEST_ID = 2**31 - 1  # of a viewer or a film, its own or another's: Postgres' integer
LAST_GIVEN = LARGEST_ID - 1_000_000  # given ids above it do not move the ids of films that come without one
# The demo's films and simulated viewers have ids above it: no site counts so far, and no sequence is moved by them.
DEMO_BASE = 2_147_000_000
FIRST_YEAR, LAST_YEAR = 1870, 2200  # of a film
_DIGITS = len(str(LARGEST_ID))


def written_id(text: str) -> int:
    """The id that `text` writes in digits; 0, which is nobody's, for anything else."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0
    return number if number <= LARGEST_ID else 0
