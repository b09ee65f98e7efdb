"""The admin of viewers."""

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from catalog.admin.base import StoredRecordAdmin, cached_per_record
from catalog.keys import Key
from catalog.models import Viewer
from catalog.selectors import account_profiles, recent_events, search_viewers
from catalog.services import save_viewer

MAX_EVENTS = 100


@admin.register(Viewer)
class ViewerAdmin(StoredRecordAdmin):
    """Viewers; events and imports create them, so they are neither added nor deleted here."""

    list_display = ("own_id", "name", "age_limit", "simulated", "version", "created_at")
    list_display_links = ("own_id", "name")
    list_filter = ("is_simulated",)
    search_fields = ("name",)
    search_help_text = "A viewer's id, or a part of the name."
    sortable_by = ("own_id",)
    show_full_result_count = False
    list_per_page = 50
    fields = (
        "name",
        "age_limit",
        ("country", "language"),
        ("own_id", "simulated"),
        "household",
        ("version", "created_at"),
        "history",
    )
    readonly_fields = ("own_id", "simulated", "household", "version", "created_at", "history")

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

    @display(description="id", ordering="id")
    def own_id(self, viewer: Viewer) -> Key:
        """Return the viewer's key, which the site knows them by."""
        return viewer.site_key

    @display(description="kind", ordering="is_simulated", label={"simulated": "warning"})
    def simulated(self, viewer: Viewer) -> str:
        """Tell whether the viewer is real or simulated."""
        return "simulated" if viewer.is_simulated else "real"

    @display(description="household")
    @cached_per_record
    def household(self, viewer: Viewer) -> SafeString | str:
        """Return the viewer's account, with links to its other profiles."""
        profiles = [profile for profile in account_profiles(viewer.account) if profile.viewer_id != viewer.pk]
        if not profiles:
            return viewer.account or "none"
        addresses = [
            (reverse("admin:catalog_viewer_change", args=[quote(profile.viewer_id)]), profile.key)
            for profile in profiles
        ]
        links = format_html_join(", ", '<a class="text-primary-600 underline" href="{}">{}</a>', addresses)
        return format_html("{}, with {}", viewer.account, links)

    @display(description=f"last {MAX_EVENTS} events")
    @cached_per_record
    def history(self, viewer: Viewer) -> SafeString | str:
        """Return the viewer's last events as an HTML table."""
        rows = []
        for event in recent_events(viewer.pk, MAX_EVENTS):
            rating = f"{event.rating:g} stars" if event.rating is not None else ""
            completion = f"{event.completion:.0%} watched" if event.completion is not None else ""
            details = ", ".join(filter(None, [rating, completion]))
            rows.append((f"{event.occurred_at:%Y-%m-%d %H:%M}", event.get_kind_display(), str(event.movie), details))
        cells = "<tr>" + 2 * "<td class='whitespace-nowrap pr-4'>{}</td>" + 2 * "<td class='pr-4'>{}</td>" + "</tr>"
        if not rows:
            return "none"
        table = "<table class='w-full' style='overflow-wrap: normal'>{}</table>"
        return format_html(table, format_html_join("", cells, rows))
