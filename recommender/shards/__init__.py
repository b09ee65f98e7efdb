"""Viewers' histories on disk, as training and the batch read them: Parquet files of viewers by ranges of ids, and a
manifest.

One row a viewer, with the version that Postgres had, so that a night reads again only who changed since. The database
is the truth: whatever is missing or damaged here is read from it.
"""
