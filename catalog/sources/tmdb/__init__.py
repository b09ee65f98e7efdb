"""Films as TMDB has them: answers of its API, its daily files of ids, and tables that others made of them."""

from catalog.sources.tmdb.reader import MAX_CAST, TmdbOptions, read_tmdb

__all__ = ["MAX_CAST", "TmdbOptions", "read_tmdb"]
