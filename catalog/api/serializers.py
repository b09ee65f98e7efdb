"""What the catalogue's calls take and return."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_serializer, inline_serializer
from rest_framework import serializers

from catalog.api.age_limits import AgeLimitQuery
from catalog.api.fields import (
    MAX_NAME_LENGTH,
    ImdbIdField,
    MovieKeyField,
    NameField,
    NamesField,
    RangeBound,
    SearchField,
    SearchNamesField,
    StrictBoolean,
    StrictInteger,
    StrictString,
    TitleLanguageField,
)
from catalog.api.local_fields import AvailabilityField, OriginCountriesField, TranslationsField
from catalog.api.strict import StrictSerializer, unknown_name_message
from catalog.limits import MAX_ID, MAX_YEAR, MIN_YEAR
from catalog.selectors import CATALOGUE_FACTS, FACETS, SORTS, Audience, Cursor, MovieFilter, Visibility
from catalog.validators import LANGUAGE_PATTERN, MAX_OVERVIEW_LENGTH, MAX_RUNTIME

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 50, 1000
MAX_IDS = 200  # of one call
FIRST_PAGE = Cursor()
_OF_ANY_CALL = {"published", "age_limit", "country", "titles_in"}  # fields of a filter that stand beside ids too
MAX_GENRES, MAX_PEOPLE = 50, 200  # of a movie


def visibility_field(help_text: str) -> serializers.ChoiceField:
    """Make the parameter `published`."""
    choices = [visibility.value for visibility in Visibility]
    return serializers.ChoiceField(choices, default=Visibility.VISIBLE.value, help_text=help_text)


class PageQuery(AgeLimitQuery):
    """The parameters of a page."""

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
        """Parse the cursor."""
        cursor = Cursor.parse(text)
        if cursor is None:
            raise serializers.ValidationError("cursor is not one that a page gave as `next`.")
        return cursor


class MoviesQuery(PageQuery):
    """The parameters of GET /movies."""

    search = SearchField(
        default="",
        allow_blank=True,
        max_length=100,
        help_text="Words of the title, names of people, years; typing errors are forgiven where nothing fits exactly.",
    )
    genres = SearchNamesField("Any of them.", 60)
    genre = SearchField(default="", allow_blank=True, max_length=60, help_text="One of `genres`.")
    exclude_genres = SearchNamesField("None of them.", 60)
    people = SearchNamesField("Any of them, as directors or actors: whole names.")
    languages = SearchNamesField("Any of them, as BCP 47 tags: en stands for en-GB too.", 12)
    certificates = SearchNamesField("Any of them, as films have them; `certificate` is an age limit.", 12)
    countries = SearchNamesField("Any of them, of origin: US, GB.", 2)
    min_year = RangeBound(1800, 2200)
    max_year = RangeBound(1800, 2200)
    min_runtime = RangeBound(1, 32_767)
    max_runtime = RangeBound(1, 32_767)
    language = TitleLanguageField()
    published = visibility_field("With the scope catalog:write: false for films that are hidden, any for all.")

    sort = serializers.ChoiceField(
        list(SORTS),
        required=False,
        help_text="In place of the order by id; `added`: when the catalogue got a film. `popularity` and `rating` have "
        "the best first, and films without either last.",
    )
    facets = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=100,
        help_text=f"Counts beside the films, separated by commas: {', '.join(FACETS)}. A facet's own filter does not "
        "apply to its counts.",
    )
    ids = serializers.CharField(
        required=False,
        trim_whitespace=False,
        help_text=f"In place of a page: the films of these ids, at most {MAX_IDS}, separated by commas, in this order.",
    )

    def validate_facets(self, text: str) -> list[str]:
        """Return the names of the facets."""
        names = list(dict.fromkeys(filter(None, text.split(","))))
        for name in names:
            if name not in FACETS:
                raise serializers.ValidationError(unknown_name_message(name, FACETS, "facet"))
        return names

    def validate_ids(self, text: str) -> list[str]:
        """Return the ids as they were written."""
        ids = text.split(",")
        if len(ids) > MAX_IDS:
            raise serializers.ValidationError(f"holds {len(ids)} film ids; the limit is {MAX_IDS}.")
        return list(dict.fromkeys(ids))

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values. Raises ValidationError where they cannot stand together."""
        errors: dict[str, str] = {}
        if values["search"]:
            errors |= {
                name: "cannot stand beside search, which has an order of its own and no counts: leave one out."
                for name in ("sort", "facets")
                if values.get(name)
            }
        if values["cursor"] != FIRST_PAGE and values["cursor"].sort != values.get("sort", ""):
            errors["cursor"] = "is of a page in another order: send the same sort, or begin without a cursor."
        if "ids" in values:
            fields = {field.name for field in dataclasses.fields(MovieFilter)} - _OF_ANY_CALL
            names = [*sorted(fields), "genre", "sort", "facets"]
            errors |= {name: "cannot stand beside ids: leave one out." for name in names if values.get(name)}
        if errors:
            raise serializers.ValidationError(errors)
        return values

    @staticmethod
    def to_filter(values: Mapping[str, Any], audience: Audience, titles_in: Sequence[str]) -> MovieFilter:
        """Return the filter of validated values. `titles_in`: languages of titles, small letters."""
        names = (
            "search",
            "people",
            "languages",
            "exclude_genres",
            "certificates",
            "countries",
            "min_year",
            "max_year",
            "min_runtime",
            "max_runtime",
        )
        return MovieFilter(
            **{name: values[name] for name in names if name in values},
            genres=[*values["genres"], *([values["genre"]] if values["genre"] else [])],
            published=Visibility(values["published"]),
            age_limit=audience.age_limit,
            country=audience.country,
            titles_in=titles_in,
        )


class MovieQuery(AgeLimitQuery):
    """The parameters of GET /movies/{id}."""

    language = TitleLanguageField()
    published = visibility_field("With the scope catalog:write: any for a film that is hidden, too.")


class GenresQuery(AgeLimitQuery):
    """The parameters of GET /genres."""

    language = TitleLanguageField()


class MovieValues(StrictSerializer):
    """The values of a movie that a call or a row of a file may write; what is left out stays as it is."""

    title = NameField(max_length=300)
    original_title = NameField(max_length=300, allow_blank=True, required=False)
    year = StrictInteger(min_value=MIN_YEAR, max_value=MAX_YEAR, allow_null=True, required=False)
    genres = NamesField(MAX_GENRES, 60, "All of them, by any of their names.")
    directors = NamesField(MAX_PEOPLE, MAX_NAME_LENGTH, "All of them.")
    actors = NamesField(MAX_PEOPLE, MAX_NAME_LENGTH, "All of them, in billing order.")
    overview = StrictString(max_length=MAX_OVERVIEW_LENGTH, allow_blank=True, required=False)
    poster_url = serializers.URLField(max_length=500, allow_blank=True, required=False)
    runtime = StrictInteger(min_value=1, max_value=MAX_RUNTIME, allow_null=True, required=False, help_text="Minutes.")
    certificate = NameField(max_length=12, allow_blank=True, required=False)
    language = serializers.RegexField(
        re.compile(LANGUAGE_PATTERN),
        max_length=12,
        allow_blank=True,
        required=False,
        help_text="A BCP 47 tag: en, en-GB.",
    )
    countries = OriginCountriesField()
    imdb_id = ImdbIdField(max_length=12, allow_blank=True, required=False, help_text="As in tt0114709.")
    tmdb_id = StrictInteger(min_value=1, max_value=MAX_ID, allow_null=True, required=False)
    available_from = serializers.DateTimeField(allow_null=True, required=False)
    available_until = serializers.DateTimeField(allow_null=True, required=False, help_text="Exclusive.")
    availability = AvailabilityField()
    translations = TranslationsField()
    published = StrictBoolean(required=False, help_text="false hides the film everywhere.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if self.partial and not values.keys() - {"create_genres"}:
            raise serializers.ValidationError(f"names no field to change; the fields are {', '.join(self.fields)}.")
        return values


class NewMovie(MovieValues):
    """The values of a new movie."""

    movie_id = MovieKeyField(required=False, help_text="Yours to choose; left out, the next free number.")


class GenreConsent(StrictSerializer):
    """The consent to new genres: without it a genre that the catalogue does not have is a typing error."""

    create_genres = StrictBoolean(default=False, help_text="Whether genres that are new are made, not refused.")


@extend_schema_serializer(component_name="NewMovie")
class NewMovieBody(GenreConsent, NewMovie):
    """The body of POST /movies."""


@extend_schema_serializer(component_name="MovieValues")
class MovieChangeBody(GenreConsent, MovieValues):
    """The body of PATCH /movies/{id}."""


class MovieSerializer(serializers.Serializer):
    """A movie as lists show it."""

    movie_id = serializers.CharField()
    title = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    genres = serializers.ListField(child=serializers.CharField())
    poster_url = serializers.CharField(allow_blank=True)


class CountryWindowSerializer(serializers.Serializer):
    """When a movie is available in a country."""

    country = serializers.CharField(help_text="ISO 3166.")
    until = serializers.DateTimeField(allow_null=True, help_text="Exclusive.")

    def get_fields(self) -> dict[str, serializers.Field]:
        """Return the fields; `from` is a word of Python's."""
        return super().get_fields() | {"from": serializers.DateTimeField(allow_null=True)}


class MovieDetailsSerializer(MovieSerializer):
    """A movie with all that is known of it."""

    original_title = serializers.CharField(allow_blank=True)
    overview = serializers.CharField(allow_blank=True)
    runtime = serializers.IntegerField(allow_null=True, help_text="Minutes.")
    certificate = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    countries = serializers.ListField(child=serializers.CharField(), help_text="Of origin, ISO 3166.")
    imdb_id = serializers.CharField(allow_blank=True)
    tmdb_id = serializers.IntegerField(allow_null=True)
    directors = serializers.ListField(child=serializers.CharField())
    actors = serializers.ListField(child=serializers.CharField(), help_text="In billing order.")
    published = serializers.BooleanField()
    available_from = serializers.DateTimeField(allow_null=True)
    available_until = serializers.DateTimeField(allow_null=True, help_text="Exclusive.")
    availability = CountryWindowSerializer(many=True, help_text="Empty: in every country.")
    translations = serializers.DictField(
        child=serializers.DictField(child=serializers.CharField(allow_blank=True)),
        required=False,
        help_text="With published=any or false: titles and overviews by language.",
    )


class FacetCountSerializer(serializers.Serializer):
    """A value of a facet."""

    value = serializers.CharField()
    films = serializers.IntegerField(help_text="Films that match all filters but the facet's own.")


class MoviePageSerializer(serializers.Serializer):
    """A page of movies."""

    results = MovieSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="The address of the next page; null on the last.")
    unknown_names = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="By filter: names that the catalogue does not have.",
    )
    suggestions = serializers.DictField(
        child=serializers.DictField(child=serializers.ListField(child=serializers.CharField())),
        required=False,
        help_text="By filter, for unknown names: names of the catalogue that are near.",
    )
    unknown_ids = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="With ids: those of no film that is shown."
    )
    facets = serializers.DictField(
        child=FacetCountSerializer(many=True), required=False, help_text="By facet: its values and their films."
    )


class PersonSerializer(serializers.Serializer):
    """A name, and how many visible films carry it."""

    name = serializers.CharField()
    films = serializers.IntegerField(help_text="Films of theirs that are shown now.")


class PeoplePageSerializer(serializers.Serializer):
    """A page of people."""

    results = PersonSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class GenresSerializer(serializers.Serializer):
    """All genres."""

    results = PersonSerializer(many=True)


class LackingSerializer(serializers.Serializer):
    """How many films lack a fact. Null: they were not counted, as there are too many events to be read."""

    movies = serializers.IntegerField(allow_null=True)
    share = serializers.FloatField(allow_null=True, help_text="0 to 1.")


class NamesakesSerializer(serializers.Serializer):
    """The films of one title and year."""

    title = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    films = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()), help_text="Ids; those of one list count as one."
    )


class DoublesSerializer(serializers.Serializer):
    """The films that share title and year with another."""

    titles = serializers.IntegerField()
    movies = serializers.IntegerField()
    counted_as_one = serializers.IntegerField(help_text="Of these films: who saw one has seen the other.")
    listed = NamesakesSerializer(many=True, help_text="500 at most, those that count as one first.")


class CatalogueReportSerializer(serializers.Serializer):
    """What the catalogue lacks."""

    movies = serializers.IntegerField()
    missing = inline_serializer("MissingFacts", {fact: LackingSerializer() for fact in CATALOGUE_FACTS})
    doubles = DoublesSerializer()
