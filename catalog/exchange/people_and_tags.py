"""How a file of movies writes who its people are, and the tags: beside the names stand the ids at other sites."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers

from catalog.api.fields import MAX_NAME_LENGTH
from catalog.external_ids import format_person_id, parse_person_id
from catalog.limits import MAX_ID
from catalog.models import collapse_spaces
from catalog.services import NamedPerson

MAX_TAGS = 10_000  # of a movie
MAX_COUNT = MAX_ID
NO_ID = "-"  # in place of the ids of a person who has none, where others of the name have
TMDB = "tmdb:"
COUNT_SIGN = "="  # between a tag and how many viewers gave it


class PersonIdsField(serializers.ListField):
    """The ids of the people of a movie, in the order of their names: `nm0000138`, `tmdb:6193` or both with a space
    between them; empty where nothing is known, NO_ID for the one without an id."""

    def __init__(self, max_people: int) -> None:
        child = serializers.CharField(max_length=40, allow_blank=True, allow_null=True)
        super().__init__(child=child, max_length=max_people, required=False)

    def to_internal_value(self, data: Any) -> list[NamedPerson]:
        """Return people without names."""
        return [parse_person_ids(text or "") for text in super().to_internal_value(data)]


def parse_person_ids(text: str) -> NamedPerson:
    """Return the person, without a name, that ids tell. Raises ValidationError."""
    person = NamedPerson("", has_no_id=text.strip() == NO_ID)
    for word in () if person.has_no_id else text.split():
        number = word.removeprefix(TMDB)
        if word.startswith("nm") and (imdb := parse_person_id(word)) and not person.imdb_id:
            person = person._replace(imdb_id=format_person_id(imdb))
        elif word.startswith(TMDB) and number.isascii() and number.isdigit() and 0 < int(number) <= MAX_ID:
            person = person._replace(tmdb_id=int(number))
        else:
            raise serializers.ValidationError(f"{ascii(word)[:40]} is no id of a person, as in nm0000138 or tmdb:6193.")
    return person


def write_person_ids(person: NamedPerson) -> str:
    """Return the ids as a file has them."""
    tmdb_id = f"{TMDB}{person.tmdb_id}" if person.tmdb_id else ""
    return NO_ID if person.has_no_id else " ".join(filter(None, [person.imdb_id, tmdb_id]))


def name_people(names: Sequence[str], ids: Sequence[NamedPerson]) -> list[NamedPerson]:
    """Return the people of these names and ids. Raises ValidationError where there are ids, and not as many."""
    if ids and len(ids) != len(names):
        raise serializers.ValidationError(
            f"holds {len(ids)} ids for {len(names)} names: write one for each, empty where it is not known."
        )
    unnumbered = [NamedPerson("")] * len(names)
    return [person._replace(name=name) for name, person in zip(names, ids or unnumbered, strict=True)]


class TagsField(serializers.Field):
    """The tags of a movie: names, or how many viewers gave each, as `{"dark": 3}` or in a list `dark=3`."""

    def to_internal_value(self, data: Any) -> dict[str, int]:
        if isinstance(data, Mapping):
            items = list(data.items())
        elif isinstance(data, list):
            items = [_split_tag(item) for item in data]
        else:
            raise serializers.ValidationError("must be a list of tags, or an object with the count of each.")
        if len(items) > MAX_TAGS:
            raise serializers.ValidationError(f"holds {len(items)} tags; the limit is {MAX_TAGS}.")
        counts: dict[str, int] = {}
        for name, count in items:
            if (
                not isinstance(name, str)
                or "\0" in name
                or not 0 < len(tag := collapse_spaces(name)) <= MAX_NAME_LENGTH
            ):
                raise serializers.ValidationError(f"{ascii(name)[:40]}: a tag has 1 to {MAX_NAME_LENGTH} characters.")
            if not isinstance(count, int) or isinstance(count, bool) or not 0 < count <= MAX_COUNT:
                raise serializers.ValidationError(f"{ascii(name)[:40]}: the count is a whole number from 1.")
            counts[tag] = min(counts.get(tag, 0) + count, MAX_COUNT)
        return counts


def write_tag(name: str, count: int) -> str:
    """Return a tag as a list has it."""
    return f"{name}{COUNT_SIGN}{count}"


def _split_tag(item: Any) -> tuple[Any, int]:
    name, sign, count = item.rpartition(COUNT_SIGN) if isinstance(item, str) else ("", "", "")
    has_count = bool(sign) and count.isascii() and count.isdigit() and len(count) <= len(str(MAX_COUNT))
    return (name, int(count)) if has_count else (item, 1)
