"""Bounds that hold wherever a film or a viewer is read, from files, calls or forms."""

LARGEST_ID = 2**31 - 1  # of a viewer or a film, its own or another's: Postgres' integer
FIRST_YEAR, LAST_YEAR = 1870, 2200  # of a film
