"""Numbers with their noun, for messages."""

from django.template.defaultfilters import pluralize


def count_noun(number: int, noun: str, plural: str = "") -> str:
    """Write `1 film`, `1,200 films`; `plural` for a noun that does not just take an s."""
    suffixes = f"{noun},{plural or f'{noun}s'}"
    return f"{number:,} {pluralize(number, suffixes)}"
