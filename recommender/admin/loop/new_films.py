"""New films: what came of each in lists, and whether lists still have a place for it."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from catalog.models import Movie
from recommender.admin.base import ReadOnlyAdmin
from recommender.admin.loop.insights import percent
from recommender.models import NewFilm
from recommender.outcomes import new_films

LABELS = {"a place in some lists": "success", "known well enough": "info"}


@admin.register(NewFilm)
class NewFilmAdmin(ReadOnlyAdmin):
    """List the newest films with their click-through, as far as it is known."""

    list_display = ("film", "added", "impressions", "clicks", "interval", "state")
    list_filter = ("is_open",)
    list_display_links = None
    list_before_template = "recommender/note.html"
    sortable_by = ("impressions", "clicks")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Say above the list whether new films get a place, and what decides it."""
        return super().changelist_view(request, {"note": _say_switch(), **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[NewFilm]:
        """Add the films' titles and when they were added."""
        movie = Movie.objects.filter(pk=OuterRef("movie_id"))
        titled = {"title": Subquery(movie.values("title")), "added_at": Subquery(movie.values("added_at"))}
        return super().get_queryset(request).annotate(**titled)

    @display(description="film")
    def film(self, new: NewFilm) -> SafeString:
        """Return the film's title, linked to its page."""
        address = reverse("admin:catalog_movie_change", args=[new.movie_id])
        return format_html('<a href="{}">{}</a>', address, getattr(new, "title", "") or new.movie_id)

    @display(description="added", ordering="added_at")
    def added(self, new: NewFilm) -> object:
        """Return when the film was added."""
        return getattr(new, "added_at", None)

    @display(description="click-through, 95%")
    def interval(self, new: NewFilm) -> str:
        """Return the interval of the click-through."""
        return f"{percent(new.low)} to {percent(new.high)}"

    @display(description="lists", label=LABELS)
    def state(self, new: NewFilm) -> str:
        """Say whether lists have a place for it, which the theme colours."""
        return "a place in some lists" if new.is_open else "known well enough"


def _say_switch() -> str:
    """Say whether lists have a place for new films."""
    if not new_films.is_on():
        return (
            "New films get no place of their own: MOVIEREC_NEW_FILM_SHARE is 0. With 0.1 one personal list in ten "
            "shows a film that few know yet, and what comes of it stands here."
        )
    return (
        f"{settings.NEW_FILM_SHARE:.0%} of the personal lists have a place for a film of the last "
        f"{settings.NEW_FILM_DAYS} days, until {settings.NEW_FILM_IMPRESSIONS} impressions, or fewer, tell how it does."
    )
