"""Who made a film, one credit at a time, hundreds in a few statements."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction

from catalog.models import Credit
from catalog.services.get_or_create import get_or_create_people
from catalog.services.versions import bump_catalogue


class NewCredit(NamedTuple):
    movie_id: int
    name: str
    role: Credit.Role
    order: int  # billing: 0 is the first name


def write_credits(credits_: Sequence[NewCredit]) -> None:
    """Adds them, or gives those that are there another place; the last one counts. The films must be there."""
    with transaction.atomic():
        ids = get_or_create_people({one.name for one in credits_})
        rows = {
            (one.movie_id, one.role, ids[one.name]): Credit(
                movie_id=one.movie_id, role=one.role, person_id=ids[one.name], order=one.order
            )
            for one in credits_
        }
        Credit.objects.bulk_create(
            rows.values(), update_conflicts=True, unique_fields=["movie", "role", "person"], update_fields=["order"]
        )
        bump_catalogue()
