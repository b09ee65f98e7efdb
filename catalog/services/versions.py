"""Versions of the catalogue and of all lists, by which other processes notice a change."""

from functools import partial

from django.db import connection, transaction

from catalog.models import Revision
from catalog.signals import catalogue_changed, data_set_replaced, epoch_changed

# The row may be absent (a fresh or emptied database); it then counts as catalogue 1, epoch 1.
_BUMP = """
    INSERT INTO catalog_revision AS r (id, catalogue, epoch) VALUES (1, 1 + %(catalogue)s, 1 + %(epoch)s)
    ON CONFLICT (id) DO UPDATE SET catalogue = r.catalogue + %(catalogue)s, epoch = r.epoch + %(epoch)s
    RETURNING r.catalogue, r.epoch
"""


def bump_catalogue() -> int:
    """Raise the catalogue version, within the transaction that changes movies or rules. Returns the new version."""
    catalogue, _ = _bump(catalogue=1, epoch=0)
    return catalogue


def bump_epoch() -> int:
    """Expire every cached list: after imports, and where Redis came back empty. Returns the new epoch."""
    _, epoch = _bump(catalogue=0, epoch=1)
    return epoch


def bump_all() -> tuple[int, int]:
    """Raise both versions. Returns (catalogue, epoch)."""
    return _bump(catalogue=1, epoch=1)


def bump_data_set() -> int:
    """Note that the ids mean other movies from now on: models from before end, every cached list expires.

    Call it within the transaction that replaces the data. Returns the new number.
    """
    with transaction.atomic():
        bump_all()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE catalog_revision SET data_set = data_set + 1 RETURNING data_set")
            number = int(cursor.fetchone()[0])
        data_set_replaced.send(sender=Revision, data_set=number)
    return number


def _bump(catalogue: int, epoch: int) -> tuple[int, int]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_BUMP, {"catalogue": catalogue, "epoch": epoch})
            new_catalogue, new_epoch = cursor.fetchone()
        if catalogue:
            transaction.on_commit(partial(catalogue_changed.send_robust, sender=Revision, version=new_catalogue))
        if epoch:
            transaction.on_commit(partial(epoch_changed.send_robust, sender=Revision, epoch=new_epoch))
    return new_catalogue, new_epoch
