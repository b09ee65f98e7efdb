"""The admin of genres, people and tags."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.views import ChangeList

from catalog.admin.base import CatalogueAdmin, cached_per_record
from catalog.models import Credit, Genre, GenreAlias, GenreTranslation, Movie, MovieTag, Person, Rule, Tag
from catalog.plurals import count_noun
from catalog.selectors import movie_counts, person_movies, resolve_people, stored_genres

MAX_MOVIES = 100


class MovieCountChangeList(ChangeList):
    """Counts movies for the records of the page alone: a count in the query would run for all pages before it too."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        counts = self.model_admin.movie_counts_of(self.result_list)
        for record in self.result_list:
            record.films = counts.get(record.pk, 0)


class NamedRecordAdmin(CatalogueAdmin):
    """Genres, people and tags: a name, and how many movies carry it."""

    list_display: tuple[str, ...] = ("name", "films")
    search_fields: tuple[str, ...] = ("name",)
    link_table: ClassVar[type[Model]]
    column: ClassVar[str]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return MovieCountChangeList

    def movie_counts_of(self, records: Iterable[Any]) -> dict[int, int]:
        """Map the ids of records to how many movies each has."""
        return movie_counts(self.link_table, self.column, [record.pk for record in records])

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list[str], dict, set, list]:
        """Return the records and their rules: Django would list every movie of a genre."""
        counts = self.movie_counts_of(objs)
        records = [f"{record}, of {count_noun(counts.get(record.pk, 0), 'film')}" for record in objs]
        rules = [f"rule: {rule}" for rule in Rule.objects.filter(**{f"{self.column}__in": objs})]
        missing = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return [*records, *rules], {self.opts.verbose_name_plural: len(records)}, missing, []

    @display(description="films")
    def films(self, record: Any) -> str:
        """Return how many movies the record has."""
        return f"{record.films:,}"


class AliasInline(TabularInline):
    """Other names of a genre."""

    model = GenreAlias
    fields = ("name",)
    extra = 0


class GenreTranslationInline(TabularInline):
    """A genre's names in other languages, in place of the built-in ones."""

    model = GenreTranslation
    verbose_name_plural = "translations"
    fields = ("language", "name")
    extra = 0


@admin.register(Genre)
class GenreAdmin(NamedRecordAdmin):
    """Genres."""

    link_table, column = Movie.genres.through, "genre"
    inlines = (AliasInline, GenreTranslationInline)
    search_help_text = "A genre's name, alias or translation; spelling does not matter."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Genre], search_term: str
    ) -> tuple[QuerySet[Genre], bool]:
        """Find genres by a part of the name, and by every name that the API finds them by."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if search_term:
            found |= queryset.filter(pk__in=stored_genres().ids_of(search_term))
        return found, may_repeat


@admin.register(Tag)
class TagAdmin(NamedRecordAdmin):
    """Tags."""

    link_table, column = MovieTag, "tag"


@admin.register(Person)
class PersonAdmin(NamedRecordAdmin):
    """Directors and actors."""

    link_table, column = Credit, "person"

    list_display = ("name", "imdb_id", "tmdb_id", "films")
    search_fields = ("name", "imdb_id__exact")
    search_help_text = "A name, or an id at IMDb as in nm0000138."
    fields = ("name", "imdb_id", "tmdb_id", "filmography")
    readonly_fields = ("filmography",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Person], search_term: str
    ) -> tuple[QuerySet[Person], bool]:
        """Find people by a part of the name, and by the whole name in any spelling."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if search_term:
            found |= queryset.filter(pk__in=resolve_people([search_term])[search_term])
        return found, may_repeat

    @display(description="films")
    @cached_per_record
    def filmography(self, person: Person) -> SafeString | str:
        """Return the person's newest movies with the role in each, as HTML."""
        rows = ((str(movie), role) for movie, role in person_movies(person.pk, MAX_MOVIES))
        return format_html_join("", "<div>{}, {}</div>", rows) or "none"
