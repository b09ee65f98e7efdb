"""What big writes make, noted so that they can be taken back; of as many films as that is cheap for."""

from typing import Any

from django.db.backends.utils import CursorWrapper

from catalog.plurals import count_noun
from catalog.services.undo.made import MadeRecords, RecordKind

# Each is noted with a fingerprint of its state, which takes about as long as to write it.
MAX_RECORDED_FILMS = 30_000


def narrow_notes(made: MadeRecords, films: int) -> MadeRecords | None:
    """Return where a write to so many films notes what it makes; None, with the reason noted, where they are many."""
    if films <= MAX_RECORDED_FILMS:
        return made
    made.unrecorded = (
        f"It brought {count_noun(films, 'film')}. What an import makes is noted for at most {MAX_RECORDED_FILMS:,}, so "
        "this one cannot be taken back: restore a backup, or delete the films."
    )
    return None


def insert_noting(
    cursor: CursorWrapper, statement: str, kind: RecordKind, made: MadeRecords | None, parameters: Any = None
) -> int:
    """Insert records of a kind, and note those that are new as made and the others as written. Returns how many rows
    were written. `statement`: an INSERT without RETURNING."""
    if made is None:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
    cursor.execute(f"{statement} RETURNING id, xmax = 0", parameters)
    rows = cursor.fetchall()
    made.add(kind, (pk for pk, is_new in rows if is_new), (pk for pk, is_new in rows if not is_new))
    return len(rows)


def forget_parts(cursor: CursorWrapper, made: MadeRecords | None) -> None:
    """Leave the credits of films that were made out of the notes: they go with their films."""
    if made is None or not made.created[RecordKind.CREDITS]:
        return
    cursor.execute(
        "SELECT id FROM catalog_credit WHERE id = ANY(%s) AND movie_id = ANY(%s)",
        [list(made.created[RecordKind.CREDITS]), list(made.created[RecordKind.MOVIES])],
    )
    made.created[RecordKind.CREDITS].difference_update(pk for (pk,) in cursor.fetchall())
