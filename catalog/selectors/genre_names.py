"""The genres by all of their names, to find one by what a client or a file wrote."""

from typing import NamedTuple

from django.db import connection

from catalog.models import Genre
from catalog.names.genres import GenreNames
from catalog.selectors.versions import has_demo

_SELECT_NAMES = """SELECT g.id, g.name,
    ARRAY(SELECT a.name FROM catalog_genrealias a WHERE a.genre_id = g.id ORDER BY a.id),
    ARRAY(SELECT t.language FROM catalog_genretranslation t WHERE t.genre_id = g.id ORDER BY t.id),
    ARRAY(SELECT t.name FROM catalog_genretranslation t WHERE t.genre_id = g.id ORDER BY t.id)
    FROM catalog_genre g ORDER BY g.id"""


# By jumps through an index: titles are many, languages few.
_LANGUAGES = """
    WITH RECURSIVE each (name) AS (
        (SELECT lower(language) FROM catalog_movietranslation ORDER BY 1 LIMIT 1)
        UNION ALL
        SELECT (SELECT lower(language) FROM catalog_movietranslation WHERE lower(language) > each.name
                ORDER BY 1 LIMIT 1)
        FROM each WHERE each.name IS NOT NULL
    )
    SELECT name FROM each WHERE name IS NOT NULL UNION SELECT lower(language) FROM catalog_genretranslation"""


class StoredGenres(NamedTuple):
    """The genres by their names, and the id of each."""

    names: GenreNames
    ids: list[int]  # by a genre's number in `names`, ascending: of equal names the oldest comes first

    def ids_of(self, name: str) -> list[int]:
        """Return the ids of the genres of this name, of any spelling, alias or language."""
        return [self.ids[number] for number in self.names.find(name)]


def stored_genres() -> StoredGenres:
    """Read the genres with their aliases and translations in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_NAMES)
        rows = cursor.fetchall()
    aliases = [(alias, number) for number, row in enumerate(rows) for alias in row[2]]
    translations = [
        (language, name, number)
        for number, (_, _, _, languages, names) in enumerate(rows)
        for language, name in zip(languages, names, strict=True)
    ]
    return StoredGenres(GenreNames([row[1] for row in rows], aliases, translations), [row[0] for row in rows])


def offered_languages() -> frozenset[str]:
    """Return the languages, in small letters, that titles or genres are translated into: one query."""
    with connection.cursor() as cursor:
        cursor.execute(_LANGUAGES)
        return frozenset(language for (language,) in cursor.fetchall())


def may_bring_genres() -> bool:
    """Say whether a site's first movies come: no genre is there yet, or the demo's alone. Theirs are made then."""
    return not Genre.objects.exists() or has_demo()
