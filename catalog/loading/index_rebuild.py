"""Big writes into empty tables: first the rows, then the indexes, keys and foreign keys over all of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.utils import CursorWrapper


def is_table_empty(cursor: CursorWrapper, table: str) -> bool:
    """Tell whether the table has no row."""
    cursor.execute(f"SELECT NOT EXISTS (SELECT 1 FROM {table})")
    return bool(cursor.fetchone()[0])


@contextmanager
def indexes_rebuilt_after(cursor: CursorWrapper, table: str) -> Iterator[bool]:
    """Drop the indexes and keys of an empty table for the length of the block; a table with rows keeps them.

    Yields whether they were dropped: rows that conflict are found at the end then, as an error.
    """
    is_empty = is_table_empty(cursor, table)
    statements = drop_indexes(cursor, table) if is_empty else []
    yield is_empty
    for statement in statements:
        cursor.execute(statement)


def drop_indexes(cursor: CursorWrapper, table: str) -> list[str]:
    """Drop indexes, keys and foreign keys, but for a key that other tables refer to.

    Returns the statements that make them again, as Postgres itself words them. Locks the table, and those it refers
    to, against readers until the transaction ends.
    """
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # pending checks would forbid altering the table
    cursor.execute(
        """SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint c
           WHERE conrelid = %s::regclass AND contype IN ('p', 'u', 'f')
             AND NOT EXISTS (SELECT 1 FROM pg_constraint other WHERE other.contype = 'f'
                             AND other.confrelid = c.conrelid AND other.conindid = c.conindid AND other.oid <> c.oid)
           ORDER BY position(contype::text in 'puf')""",
        [table],
    )
    constraints = cursor.fetchall()
    for name, _ in reversed(constraints):
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    cursor.execute(
        """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index i WHERE indrelid = %s::regclass
             AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid)""",
        [table],
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    return [definition for _, definition in indexes] + [
        f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}' for name, definition in constraints
    ]
