"""What the catalogue's calls take and give."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from catalog.api.age_limits import AgeLimitQuery, effective_age_limit
from catalog.selectors import Cursor, MovieFilter, Visibility

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 50, 1000  # films
MAX_NAMES, MAX_NAME_LENGTH = 50, 200


class RangeBound(serializers.IntegerField):
    """Inclusive."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(min_value=least, max_value=most, required=False, help_text="Inclusive.")


class SearchField(serializers.CharField):
    """Text to look for. A null character, which Postgres cannot hold, is in nothing that can be found."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super().run_validation(data.replace("\0", "\ufffd") if isinstance(data, str) else data)


class SearchNamesField(serializers.ListField):
    """A parameter that is said once for each name."""

    def __init__(self, words: str, longest: int = MAX_NAME_LENGTH) -> None:
        super().__init__(child=SearchField(max_length=longest), max_length=MAX_NAMES, default=list, help_text=words)


def visibility_field(words: str) -> serializers.ChoiceField:
    every = [one.value for one in Visibility]
    return serializers.ChoiceField(every, default=Visibility.VISIBLE.value, help_text=words)


class PageQuery(AgeLimitQuery):
    hints = dict.fromkeys(("page", "offset"), "a page's `next` is the address of the one behind it.")

    page_size = serializers.IntegerField(
        default=DEFAULT_PAGE_SIZE,
        min_value=1,
        max_value=MAX_PAGE_SIZE,
        error_messages={"max_value": "page_size is at most {max_value}.", "min_value": "page_size is at least 1."},
    )
    cursor = serializers.CharField(default="0", help_text="From `next` of the page before.")
    search = SearchField(default="", allow_blank=True, max_length=100)

    def validate_cursor(self, text: str) -> Cursor:
        cursor = Cursor.parse(text)
        if cursor is None:
            raise serializers.ValidationError("cursor is not one that a page gave as `next`.")
        return cursor


class MoviesQuery(PageQuery):
    search = SearchField(
        default="",
        allow_blank=True,
        max_length=100,
        help_text="Words of the title, names of people, years; typing errors are forgiven where nothing fits exactly.",
    )
    genres = SearchNamesField("Any of them.", 60)
    genre = SearchField(default="", allow_blank=True, max_length=60, help_text="One of `genres`.")
    people = SearchNamesField("Any of them, as directors or actors: whole names.")
    languages = SearchNamesField("Any of them, as BCP 47 tags: en stands for en-GB too.", 12)
    min_year = RangeBound(1800, 2200)
    max_year = RangeBound(1800, 2200)
    min_runtime = RangeBound(1, 32_767)
    max_runtime = RangeBound(1, 32_767)
    published = visibility_field("With the scope catalog:write: false for films that are hidden, any for all.")

    @staticmethod
    def to_filter(given: Mapping[str, Any]) -> MovieFilter:
        """What validated values ask for."""
        names = ("search", "people", "languages", "min_year", "max_year", "min_runtime", "max_runtime")
        genres = [*given["genres"], *([given["genre"]] if given["genre"] else [])]
        values = {name: given[name] for name in names if name in given}
        shown = Visibility(given["published"])
        return MovieFilter(**values, genres=genres, published=shown, age_limit=effective_age_limit(given))


class MovieQuery(AgeLimitQuery):
    published = visibility_field("With the scope catalog:write: any for a film that is hidden, too.")


class MovieSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    title = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    genres = serializers.ListField(child=serializers.CharField())
    poster_url = serializers.CharField(allow_blank=True)


class MovieDetailsSerializer(MovieSerializer):
    original_title = serializers.CharField(allow_blank=True)
    overview = serializers.CharField(allow_blank=True)
    runtime = serializers.IntegerField(allow_null=True, help_text="Minutes.")
    certificate = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    imdb_id = serializers.CharField(allow_blank=True)
    tmdb_id = serializers.IntegerField(allow_null=True)
    directors = serializers.ListField(child=serializers.CharField())
    actors = serializers.ListField(child=serializers.CharField(), help_text="In billing order.")
    published = serializers.BooleanField()
    available_from = serializers.DateTimeField(allow_null=True)
    available_until = serializers.DateTimeField(allow_null=True, help_text="Exclusive.")


class MoviePageSerializer(serializers.Serializer):
    results = MovieSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="The address of the next page; null on the last.")


class PersonSerializer(serializers.Serializer):
    name = serializers.CharField()
    films = serializers.IntegerField(help_text="Films of theirs that are shown now.")


class PeoplePageSerializer(serializers.Serializer):
    results = PersonSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class GenresSerializer(serializers.Serializer):
    results = PersonSerializer(many=True)
