"""Calls about one viewer: their profile, history, taste and data, merges, and tokens."""
