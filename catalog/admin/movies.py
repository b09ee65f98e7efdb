"""The admin of movies with their credits."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.postgres.fields import ArrayField
from django.db.models import Model, QuerySet, URLField
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import RangeNumericFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from catalog.admin.base import BlankChoiceAdmin, CatalogueAdmin, cached_per_record
from catalog.certificates import CERTIFICATES, minimum_age
from catalog.models import Credit, Movie, MovieAvailability, MovieTranslation
from catalog.plurals import count_noun
from catalog.selectors import movie_tags, search_movies
from catalog.services import delete_movies, forget_doubles, join_doubles, part_doubles, publish_movies

MAX_TAGS = 30
MAX_DOUBLES = 20  # movies that are said to be one film at once


class CreditInline(TabularInline):
    """The existing credits: role and billing can be changed, the person cannot, so no row queries its person."""

    model = Credit
    verbose_name_plural = "people"
    fields = ("name", "role", "order")
    readonly_fields = ("name",)
    extra = 0
    tab = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Credit]:
        return super().get_queryset(request).select_related("person")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @display(description="person")
    def name(self, credit: Credit) -> str:
        """Return the person's name."""
        return credit.person.name


class NewCreditInline(BlankChoiceAdmin, TabularInline):
    """Rows for new credits."""

    model = Credit
    verbose_name_plural = "add people"
    fields = ("person", "role", "order")
    autocomplete_fields = ("person",)
    extra = 1
    tab = True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_view_permission


class TranslationInline(TabularInline):
    """Titles and overviews in other languages."""

    model = MovieTranslation
    verbose_name_plural = "translations"
    fields = ("language", "title", "overview")
    extra = 0
    tab = True


class AvailabilityInline(TabularInline):
    """The countries that a movie is available in; without any it is available in all."""

    model = MovieAvailability
    fields = ("country", "available_from", "available_until")
    extra = 0
    tab = True


@admin.register(Movie)
class MovieAdmin(CatalogueAdmin):
    """Movies: search, edit, publish and unpublish."""

    list_display = ("title", "year", "genre_names", "published", "available_from", "available_until", "is_demo")
    list_filter = ("published", ("year", RangeNumericFilter), ("genres", RelatedDropdownFilter), "is_demo")
    list_filter_submit = True
    search_fields = ("title",)
    search_help_text = (
        "Words of the title and names of people, which all have to fit; or an id: ours, IMDb's or TMDB's."
    )
    sortable_by = ("year",)
    actions = ("publish", "unpublish", "join", "part", "forget")
    autocomplete_fields = ("genres",)
    formfield_overrides = {URLField: {"assume_scheme": "https"}, ArrayField: {"widget": UnfoldAdminTextInputWidget}}
    readonly_fields = ("key_text", "minimum_age_text", "tag_names", "is_demo", "added_at")
    inlines: ClassVar[Sequence[type[InlineModelAdmin]]] = (
        CreditInline,
        NewCreditInline,
        TranslationInline,
        AvailabilityInline,
    )
    fieldsets = (
        (None, {"fields": (("title", "original_title"), ("year", "runtime"), ("language", "countries"), "genres")}),
        ("Shown", {"fields": ("published", "available_from", "available_until", ("certificate", "minimum_age_text"))}),
        (
            "About",
            {
                "fields": (
                    "overview",
                    "poster_url",
                    ("imdb_id", "tmdb_id"),
                    "tag_names",
                    ("key_text", "added_at", "is_demo"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Movie]:
        return super().get_queryset(request).prefetch_related("genres")

    def save_model(self, request: HttpRequest, obj: Movie, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        country = settings.CERTIFICATE_COUNTRY
        if obj.certificate and minimum_age(obj.certificate, country) is None:
            known = ", ".join(CERTIFICATES.get(country, {}))
            message = (
                f"No age is known for the certificate {obj.certificate!r}: the film counts as one for "
                f"{settings.UNCERTIFIED_AGE} years. Known are {known}; those of another country with it, as in GB:15."
            )
            self.message_user(request, message, messages.WARNING)

    @display(description="id")
    def key_text(self, movie: Movie) -> str:
        """Return the movie's id as the site knows it."""
        return movie.key or str(movie.pk)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Movie], search_term: str
    ) -> tuple[QuerySet[Movie], bool]:
        return search_movies(queryset, search_term), False

    def delete_model(self, request: HttpRequest, obj: Movie) -> None:
        delete_movies([obj.pk])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Movie]) -> None:
        delete_movies(list(queryset.values_list("pk", flat=True)))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list[str], dict, set, list]:
        """Return the movies alone: Django would load every event under them to list it."""
        names = [f"{movie}, with its credits and everything that viewers did with it" for movie in objs]
        missing = set() if self.has_delete_permission(request) else {"film"}
        return names, {"films": len(names)}, missing, []

    @admin.action(description="Publish: show the selected films", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Movie]) -> None:
        """Show the selected movies."""
        self._publish(request, queryset, True)

    @admin.action(description="Unpublish: hide the selected films everywhere", permissions=["change"])
    def unpublish(self, request: HttpRequest, queryset: QuerySet[Movie]) -> None:
        """Hide the selected movies everywhere."""
        self._publish(request, queryset, False)

    def _publish(self, request: HttpRequest, queryset: QuerySet[Movie], published: bool) -> None:
        ids = list(queryset.exclude(published=published).values_list("pk", flat=True))
        changed = publish_movies(ids, published)
        self.log_changes(request, ids, f"Published: {not published} → {published}")
        verb = "is" if changed == 1 else "are"
        message = f"{count_noun(changed, 'film')} {verb} now {'shown' if published else 'hidden'}."
        self.message_user(request, message, messages.SUCCESS)

    @admin.action(description="Doubles: the selected films are one film", permissions=["change"])
    def join(self, request: HttpRequest, queryset: QuerySet[Movie]) -> None:
        """Let the selected movies count as one film."""
        ids = list(queryset.values_list("pk", flat=True)[: MAX_DOUBLES + 1])
        if not 2 <= len(ids) <= MAX_DOUBLES:
            self.message_user(request, f"Choose 2 to {MAX_DOUBLES} films that are one.", messages.ERROR)
            return
        join_doubles(ids)
        self._report_doubles(request, ids, "one film")

    @admin.action(description="Doubles: each of the selected films is one of its own", permissions=["change"])
    def part(self, request: HttpRequest, queryset: QuerySet[Movie]) -> None:
        """Let each of the selected movies count as a film of its own."""
        ids = list(queryset.values_list("pk", flat=True))
        part_doubles(ids)
        self._report_doubles(request, ids, "films of their own")

    @admin.action(description="Doubles: let titles and years tell again", permissions=["change"])
    def forget(self, request: HttpRequest, queryset: QuerySet[Movie]) -> None:
        """Forget what was said of the selected movies."""
        ids = list(queryset.values_list("pk", flat=True))
        forget_doubles(ids)
        self._report_doubles(request, ids, "what their titles and years tell")

    def _report_doubles(self, request: HttpRequest, ids: list[int], counted: str) -> None:
        self.log_changes(request, ids, f"Counts as {counted}, of {count_noun(len(ids), 'film')}.")
        message = f"{count_noun(len(ids), 'film')} now count{'s' if len(ids) == 1 else ''} as {counted}."
        self.message_user(request, message, messages.SUCCESS)

    @display(description="genres")
    def genre_names(self, movie: Movie) -> str:
        """Return the names of the movie's genres."""
        return ", ".join(genre.name for genre in movie.genres.all())

    @display(description="may be watched from")
    def minimum_age_text(self, movie: Movie) -> str:
        """Return the youngest age that may watch, as the certificate says."""
        age = minimum_age(movie.certificate, settings.CERTIFICATE_COUNTRY)
        return f"{settings.UNCERTIFIED_AGE} years, as no age is known" if age is None else f"{age} years"

    @display(description="tags")
    @cached_per_record
    def tag_names(self, movie: Movie) -> str:
        """Return the movie's most frequent tags with their counts."""
        return ", ".join(f"{name} ({count})" for name, count in movie_tags(movie.pk, MAX_TAGS)) or "none"
