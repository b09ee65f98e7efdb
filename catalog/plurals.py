"""Numbers with their noun, in messages."""

from django.template.defaultfilters import pluralize


def count_noun(number: int, noun: str, plural: str = "") -> str:
    """Writes `1 film`, `1,200 films`; `plural` for a noun that takes more than an s."""
    words = f"{noun},{plural or f'{noun}s'}"
    return f"{number:,} {pluralize(number, words)}"
