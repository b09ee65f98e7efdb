"""Catalogues that other sites publish, as plain tables, without Django: films, people, genres, translations."""
