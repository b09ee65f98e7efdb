"""Bulk import and export of movies, people, viewers and events: files with a row a line, each row validated alone."""
