"""Big writes into empty tables: first the rows, then indexes, keys and foreign keys over the whole."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.utils import CursorWrapper


def is_table_empty(cursor: CursorWrapper, table: str) -> bool:
    cursor.execute(f"SELECT NOT EXISTS (SELECT 1 FROM {table})")
    return bool(cursor.fetchone()[0])


@contextmanager
def indexes_rebuilt_after(cursor: CursorWrapper, table: str) -> Iterator[None]:
    """For the length of the block an empty table has no index and no key; one with rows keeps them."""
    again = drop_indexes(cursor, table) if is_table_empty(cursor, table) else []
    yield
    for statement in again:
        cursor.execute(statement)


def drop_indexes(cursor: CursorWrapper, table: str) -> list[str]:
    """Drops indexes, keys and foreign keys, but for a key that other tables refer to.

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
    return [what for _, what in indexes] + [
        f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {what}' for name, what in constraints
    ]
