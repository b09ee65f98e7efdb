"""Writes of genres with their aliases and translations."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models.functions import Upper

from catalog.models import Genre, GenreAlias, GenreTranslation
from catalog.selectors.genre_names import stored_genres
from catalog.services.undo.made import MadeRecords, RecordKind
from catalog.services.versions import bump_catalogue


class GenreChange(NamedTuple):
    """A genre by its name, and what to write to it."""

    name: str
    aliases: Sequence[str] | None = None  # all of them; None leaves them
    translations: Mapping[str, str | None] = {}  # language -> name; None deletes it, a language left out stays


def write_genres(changes: Sequence[GenreChange], *, made: MadeRecords | None = None) -> list[str]:
    """Create or change genres, true on the next read. Returns why each was not written, "" for those that were.

    A genre is found by its own name or an alias of the catalogue, in any spelling; one that is new is made. `made`: is
    filled.
    """
    with transaction.atomic():
        reasons = [_write_genre(change, made) for change in changes]
        if not all(reasons):
            bump_catalogue()
    return reasons


def _write_genre(change: GenreChange, made: MadeRecords | None) -> str:
    stored = stored_genres()
    found = stored.names.find_stated(change.name)
    genre_id = stored.ids[found[0]] if found else None
    others = {alias.upper() for alias in change.aliases or ()}
    taken = GenreAlias.objects.annotate(upper_name=Upper("name")).filter(upper_name__in=others)
    if other := taken.exclude(genre_id=genre_id or 0).select_related("genre").first():
        return f"aliases: {other.name} is an alias of {other.genre} already."
    is_new = genre_id is None
    if genre_id is None:
        genre_id = Genre.objects.create(name=change.name).pk
    if made is not None:
        made.add(RecordKind.GENRES, [genre_id] if is_new else [], [genre_id])
    if change.aliases is not None:
        GenreAlias.objects.filter(genre_id=genre_id).delete()
        once = {alias.upper(): alias for alias in change.aliases}
        GenreAlias.objects.bulk_create(GenreAlias(genre_id=genre_id, name=alias) for alias in once.values())
    for language, name in change.translations.items():
        if name:
            GenreTranslation.objects.update_or_create(genre_id=genre_id, language=language, defaults={"name": name})
        else:
            GenreTranslation.objects.filter(genre_id=genre_id, language=language).delete()
    return ""
