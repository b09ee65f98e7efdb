"""manage.py remove_demo"""

from typing import Any

from django.core.management.base import BaseCommand

from catalog.plurals import count_noun
from catalog.services import remove_demo


class Command(BaseCommand):
    """Removes the demo."""

    help = (
        "Removes the demo: its films, its simulated viewers, what was tried with them, the models trained on it, its "
        "lists and rules. The first film or viewer of your own does the same. The next start does not bring it back."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        removed = remove_demo()
        if removed is None:
            self.stdout.write("There is no demo: nothing was changed.")
            return
        self.stdout.write(
            f"Removed the demo: {count_noun(removed.movies, 'film')} and "
            f"{count_noun(removed.viewers, 'simulated viewer')}, and its models."
        )
