"""The admin of movies, people and viewers. Edits go through the services: they are true on the next read.

Events have no list of their own: of 25 million rows staff look at one viewer's.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import wraps
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import BaseModelAdmin, InlineModelAdmin
from django.db.models import Field, Model, QuerySet, URLField
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import RangeNumericFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.views import ChangeList

from catalog import change_messages
from catalog.certificates import CERTIFICATES, minimum_age
from catalog.models import Credit, Genre, Movie, MovieTag, Person, Rule, Tag, Viewer, WatchEvent
from catalog.plurals import count_noun
from catalog.selectors import movie_counts, movie_tags, person_movies, recent_events, search_movies, search_viewers
from catalog.services import delete_movies, delete_records, publish_movies, save_record, save_viewer

MAX_EVENTS, MAX_MOVIES, MAX_TAGS = 100, 100, 30


def cached_per_record(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Cache a read-only value on the record: a page displays it five times, and its query runs once."""

    @wraps(method)
    def cached(page: Any, record: Any) -> Any:
        values = vars(record).setdefault("displayed_values", {})
        if method.__name__ not in values:
            values[method.__name__] = method(page, record)
        return values[method.__name__]

    return cached


class BlankChoiceAdmin(BaseModelAdmin):
    """Leaves a choice without a default blank.

    The theme chooses the first value, so that an untouched row would count as filled in.
    """

    def formfield_for_choice_field(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> Any:
        if not db_field.has_default():
            kwargs["choices"] = db_field.get_choices(include_blank=True, blank_choice=[("", "Select value")])
        return super().formfield_for_choice_field(db_field, request, **kwargs)


class StoredRecordAdmin(ModelAdmin):
    """Shows the stored record, not the entered values, where a form is refused."""

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> Any:
        if change and obj is not None and request.method == "POST":
            obj = self.model._default_manager.get(pk=obj.pk)
            context["adminform"].form.instance = context["original"] = obj
            context["subtitle"] = str(obj)
        return super().render_change_form(request, context, add, change, form_url, obj)


class CatalogueAdmin(BlankChoiceAdmin, StoredRecordAdmin):
    """Saves and deletes through the services; links and inlines are saved in the same transaction."""

    show_full_result_count = False
    list_per_page = 50

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        save_record(obj)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> str:
        """Return what each value was and is, for the history of the record."""
        if add:
            return "Added."
        linked = any(
            inline.new_objects or inline.changed_objects or inline.deleted_objects for inline in formsets or ()
        )
        changes = [change_messages.describe_changes(form), "People changed" if linked else ""]
        return "; ".join(filter(None, changes)) or "Saved without a change."

    def log_changes(self, request: HttpRequest, ids: Collection[int], message: str) -> None:
        """Add an entry to the history of each of these records."""
        records = self.model._default_manager.filter(pk__in=ids)
        LogEntry.objects.log_actions(int(request.user.pk or 0), records, CHANGE, change_message=message)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_records([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        delete_records(queryset)


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
    actions = ("publish", "unpublish")
    autocomplete_fields = ("genres",)
    formfield_overrides = {URLField: {"assume_scheme": "https"}}
    readonly_fields = ("minimum_age_text", "tag_names", "is_demo", "added_at")
    inlines: ClassVar[Sequence[type[InlineModelAdmin]]] = (CreditInline, NewCreditInline)
    fieldsets = (
        (None, {"fields": (("title", "original_title"), ("year", "runtime", "language"), "genres")}),
        ("Shown", {"fields": ("published", "available_from", "available_until", ("certificate", "minimum_age_text"))}),
        ("About", {"fields": ("overview", "poster_url", ("imdb_id", "tmdb_id"), "tag_names", ("added_at", "is_demo"))}),
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

    list_display = ("name", "films")
    search_fields = ("name",)
    link_table: ClassVar[type[Model]]
    column: ClassVar[str]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return MovieCountChangeList

    def movie_counts_of(self, records: Iterable[Any]) -> dict[int, int]:
        """Map the ids of records to how many movies each has."""
        return movie_counts(self.link_table, self.column, [record.pk for record in records])

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list[str], dict, set, list]:
        """Return the records and their merchandising rules: Django would list every movie of a genre."""
        counts = self.movie_counts_of(objs)
        records = [f"{record}, of {count_noun(counts.get(record.pk, 0), 'film')}" for record in objs]
        rules = [f"merchandising rule: {rule}" for rule in Rule.objects.filter(**{f"{self.column}__in": objs})]
        missing = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return [*records, *rules], {self.opts.verbose_name_plural: len(records)}, missing, []

    @display(description="films")
    def films(self, record: Any) -> str:
        """Return how many movies the record has."""
        return f"{record.films:,}"


@admin.register(Genre)
class GenreAdmin(NamedRecordAdmin):
    """Genres."""

    link_table, column = Movie.genres.through, "genre"


@admin.register(Tag)
class TagAdmin(NamedRecordAdmin):
    """Tags."""

    link_table, column = MovieTag, "tag"


@admin.register(Person)
class PersonAdmin(NamedRecordAdmin):
    """Directors and actors."""

    link_table, column = Credit, "person"
    fields = ("name", "filmography")
    readonly_fields = ("filmography",)

    @display(description="films")
    @cached_per_record
    def filmography(self, person: Person) -> SafeString | str:
        """Return the person's newest movies with the role in each, as HTML."""
        rows = ((str(movie), role) for movie, role in person_movies(person.pk, MAX_MOVIES))
        return format_html_join("", "<div>{}, {}</div>", rows) or "none"


@admin.register(Viewer)
class ViewerAdmin(StoredRecordAdmin):
    """Viewers; events and imports create them, so they are neither added nor deleted here."""

    list_display = ("id", "name", "age_limit", "simulated", "version", "created_at")
    list_display_links = ("id", "name")
    list_filter = ("is_simulated",)
    search_fields = ("name",)
    search_help_text = "A viewer's id, or a part of the name."
    sortable_by = ("id",)
    show_full_result_count = False
    list_per_page = 50
    fields = ("name", "age_limit", ("id", "simulated"), ("version", "created_at"), "history")
    readonly_fields = ("id", "simulated", "version", "created_at", "history")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Viewer], search_term: str
    ) -> tuple[QuerySet[Viewer], bool]:
        return search_viewers(queryset, search_term), False

    def save_model(self, request: HttpRequest, obj: Viewer, form: ModelForm, change: bool) -> None:
        save_viewer(obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Viewer | None = None) -> bool:
        return False

    @display(description="kind", ordering="is_simulated", label={"simulated": "warning"})
    def simulated(self, viewer: Viewer) -> str:
        """Tell whether the viewer is real or simulated."""
        return "simulated" if viewer.is_simulated else "real"

    @display(description=f"last {MAX_EVENTS} events")
    @cached_per_record
    def history(self, viewer: Viewer) -> SafeString | str:
        """Return the viewer's last events as an HTML table."""
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (
                    f"{event.occurred_at:%Y-%m-%d %H:%M}",
                    event.get_kind_display(),
                    str(event.movie),
                    _event_detail(event),
                )
                for event in recent_events(viewer.pk, MAX_EVENTS)
            ),
        )
        return format_html("<table class='w-full'>{}</table>", rows) if rows else "none"


def _event_detail(event: WatchEvent) -> str:
    parts = [f"{event.rating:g} stars"] if event.rating is not None else []
    return ", ".join(parts + ([f"{event.completion:.0%} watched"] if event.completion is not None else []))
