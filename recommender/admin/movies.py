"""A movie's page: its audience, similar movies and where it appears; and availability windows for many at once."""

from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from catalog import selectors
from catalog.admin import MovieAdmin
from catalog.models import Movie
from catalog.plurals import count_noun
from catalog.services import schedule_movies
from recommender.admin.base import SummaryAboveForm
from recommender.admin.cards import make_card, make_cards
from recommender.admin.catalogue_report import ReportFilter, report_page
from recommender.admin.svg_charts import column_chart
from recommender.admin.viewers import genre_bars
from recommender.monitoring import serving_status
from recommender.monitoring.movie_placement import find_placement
from recommender.movies.movie_ids import movie_id_text
from recommender.serving.concurrency import Overloaded
from recommender.serving.metrics import suppress_metrics
from recommender.serving.similar import MovieNotFound, find_similar
from recommender.viewers.taste_profile import genre_profile

NEIGHBOURS = 12
SAMPLED_VIEWERS = 50  # watchers whose histories give the genres that they watch
MAX_SCHEDULED = 10_000  # movies at once

admin.site.unregister(Movie)


class WindowForm(forms.Form):
    """Choose an availability window, open at both ends by default."""

    available_from = forms.SplitDateTimeField(
        required=False, widget=UnfoldAdminSplitDateTimeWidget, help_text="Empty: no beginning."
    )
    available_until = forms.SplitDateTimeField(
        required=False, widget=UnfoldAdminSplitDateTimeWidget, help_text="The film goes at this moment. Empty: no end."
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a window that ends before it begins."""
        values = super().clean() or self.cleaned_data
        starts_at, ends_at = values.get("available_from"), values.get("available_until")
        if starts_at and ends_at and ends_at <= starts_at:
            raise forms.ValidationError("The window must end after it begins.")
        return values


@admin.register(Movie)
class MoviePageAdmin(SummaryAboveForm, MovieAdmin):
    """Add to the catalogue's page of a movie what the recommender knows about it."""

    change_form_outer_before_template = "recommender/movie.html"
    list_filter = (*MovieAdmin.list_filter, ReportFilter)  # type: ignore[assignment]
    actions_list = ("to_report",)
    actions = (*MovieAdmin.actions, "schedule")  # type: ignore[assignment]

    def get_urls(self) -> list[URLPattern]:
        """Add the page that says what the catalogue lacks."""
        report = self.admin_site.admin_view(partial(report_page, model_admin=self))
        return [path("report/", report, name="catalog_movie_report"), *super().get_urls()]

    @action(description="What the catalogue lacks", url_path="to-report", permissions=["view"])
    def to_report(self, request: HttpRequest) -> HttpResponse:
        """Open the page that says what the catalogue lacks."""
        return redirect("admin:catalog_movie_report")

    def summary(self, record: Movie) -> dict[str, Any]:
        """Return the movie's audience, placement and neighbours, as movie.html shows them."""
        watchers = selectors.movie_watchers(record.pk)
        histories = selectors.histories(watchers.viewer_ids[:SAMPLED_VIEWERS].tolist())
        star_labels = [f"{halves / 2:g} stars: {count}" for halves, count in enumerate(watchers.ratings, 1)]
        year_labels = [f"{year}: {count}" for year, count in watchers.years.items()]
        genres = [genre.name for genre in record.genres.all()]
        movie = selectors.MovieCard(record.pk, record.title, record.year, genres, record.poster_url)
        return {
            "card": make_card(1, record.pk, movie),
            "storefront": f"/film/{quote(movie_id_text(record.pk), safe='')}" if settings.STOREFRONT else "",
            "watchers": watchers,
            "stars": column_chart(watchers.ratings.tolist(), star_labels),
            "rated": int(watchers.ratings.sum()),
            "years": column_chart(list(watchers.years.values()), year_labels),
            "span": f"{min(watchers.years)} to {max(watchers.years)}" if watchers.years else "",
            "genres": genre_bars(genre_profile(histories)),
            "placement": find_placement(record.pk),
            "window": describe_window(record.available_from, record.available_until),
            "watched_by": count_noun(round(len(watchers.viewer_ids) / watchers.sample_share), "viewer"),
            "exposure": serving_status.movie_exposure(record.pk),
            **_neighbours(record.pk),
        }

    @admin.action(description="Schedule: set when the selected films are shown", permissions=["change"])
    def schedule(self, request: HttpRequest, queryset: QuerySet[Movie]) -> HttpResponse | None:
        """Ask for a window on a page of its own, which posts the selection back, then set it."""
        movie_ids = list(queryset.values_list("pk", flat=True)[: MAX_SCHEDULED + 1])
        if len(movie_ids) > MAX_SCHEDULED:
            self.message_user(request, f"You chose more than {MAX_SCHEDULED:,} films: choose fewer.", messages.ERROR)
            return None
        form = WindowForm(request.POST if "window" in request.POST else None)
        if form.is_valid():
            starts_at, ends_at = form.cleaned_data["available_from"], form.cleaned_data["available_until"]
            changed = schedule_movies(movie_ids, starts_at, ends_at)
            self.log_changes(request, movie_ids, f"Window set: {describe_window(starts_at, ends_at)}.")
            message = f"{count_noun(changed, 'film')} {'has' if changed == 1 else 'have'} a new window."
            self.message_user(request, message, messages.SUCCESS)
            return None
        verb = "is" if len(movie_ids) == 1 else "are"
        context = self.admin_site.each_context(request) | {
            "title": f"Choose when {count_noun(len(movie_ids), 'film')} {verb} shown",
            "opts": self.opts,
            "form": form,
            "media": self.media + form.media,
            "movies": [str(movie) for movie in queryset[:20]],
            "ids": movie_ids,
        }
        return TemplateResponse(request, "recommender/schedule.html", context)


def describe_window(starts_at: datetime | None, ends_at: datetime | None) -> str:
    """Describe an availability window in UTC: "from 2024-03-01 20:00 UTC on"."""
    start, end = (f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "" for moment in (starts_at, ends_at))
    if start and end:
        return f"from {start} until {end}"
    return f"from {start} on" if start else f"until {end}" if end else "at any time"


def _neighbours(movie_id: int) -> dict[str, Any]:
    """Return the template's context for similar movies."""
    try:
        with suppress_metrics():
            similar = find_similar(movie_id, NEIGHBOURS, rules_override=())
    except MovieNotFound:  # created a moment ago
        return {}
    except Overloaded:
        return {"busy": True}
    cards = make_cards(similar.movie_ids, selectors.movie_cards(similar.movie_ids))
    for card, similarity in zip(cards, similar.similarities, strict=True):
        card.notes.append(f"{similarity:.0%} alike")
    return {"neighbours": cards}
