"""Titles and reasons that viewers read, in English and in the languages that genres have built-in names in."""
