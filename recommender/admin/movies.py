"""A film's page: who watches it, what is like it, where it is shown; and windows for many films at once."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from catalog import selectors
from catalog.admin import MovieAdmin
from catalog.models import Movie
from catalog.plurals import count_noun
from catalog.services import schedule_movies
from recommender.admin.base import SummaryAboveForm
from recommender.admin.cards import Card, make_card, make_cards
from recommender.admin.svg_charts import column_chart
from recommender.admin.viewers import genre_bars
from recommender.monitoring import serving_status
from recommender.monitoring.movie_placement import find_placement
from recommender.monitoring.taste_profile import genre_profile
from recommender.serving.concurrency import Overloaded
from recommender.serving.metrics import suppress_metrics
from recommender.serving.similar import MovieNotFound, find_similar

NEIGHBOURS = 12
SAMPLED_VIEWERS = 50  # viewers whose histories tell what else the film's watchers watch
MAX_SCHEDULED = 10_000  # films at once

admin.site.unregister(Movie)


class WindowForm(forms.Form):
    available_from = forms.SplitDateTimeField(
        required=False, widget=UnfoldAdminSplitDateTimeWidget, help_text="Empty: no beginning."
    )
    available_until = forms.SplitDateTimeField(
        required=False, widget=UnfoldAdminSplitDateTimeWidget, help_text="The film goes at this moment. Empty: no end."
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        begins, ends = values.get("available_from"), values.get("available_until")
        if begins and ends and ends <= begins:
            raise forms.ValidationError("The window must end after it begins.")
        return values


@admin.register(Movie)
class MoviePageAdmin(SummaryAboveForm, MovieAdmin):
    change_form_outer_before_template = "recommender/film.html"
    actions = ("publish", "unpublish", "schedule")  # type: ignore[assignment]

    def summary(self, record: Movie) -> dict[str, Any]:
        return _movie_summary(record)

    @admin.action(description="Schedule: set when the selected films are shown", permissions=["change"])
    def schedule(self, request: HttpRequest, queryset: QuerySet[Movie]) -> HttpResponse | None:
        """Asks for the window first; the page posts the selection back."""
        ids = list(queryset.values_list("pk", flat=True)[: MAX_SCHEDULED + 1])
        if len(ids) > MAX_SCHEDULED:
            self.message_user(request, f"You chose more than {MAX_SCHEDULED:,} films: choose fewer.", messages.ERROR)
            return None
        form = WindowForm(request.POST if "window" in request.POST else None)
        if form.is_valid():
            self._set_window(request, ids, form.cleaned_data["available_from"], form.cleaned_data["available_until"])
            return None
        context = self.admin_site.each_context(request) | {
            "title": f"Choose when {count_noun(len(ids), 'film')} {'is' if len(ids) == 1 else 'are'} shown",
            "opts": self.opts,
            "form": form,
            "media": self.media + form.media,
            "films": [str(movie) for movie in queryset[:20]],
            "ids": ids,
        }
        return TemplateResponse(request, "recommender/schedule.html", context)

    def _set_window(self, request: HttpRequest, ids: list[int], begins: datetime | None, ends: datetime | None) -> None:
        changed = schedule_movies(ids, begins, ends)
        self.log_changes(request, ids, f"Window set: {describe_window(begins, ends)}.")
        self.message_user(
            request,
            f"{count_noun(changed, 'film')} {'has' if changed == 1 else 'have'} a new window.",
            messages.SUCCESS,
        )


def describe_window(begins: datetime | None, ends: datetime | None) -> str:
    """Writes when a film is shown, in UTC."""
    first, last = (f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "" for moment in (begins, ends))
    if first and last:
        return f"from {first} until {last}"
    return f"from {first} on" if first else f"until {last}" if last else "at any time"


def _movie_summary(movie: Movie) -> dict[str, Any]:
    found, where = selectors.movie_watchers(movie.pk), find_placement(movie.pk)
    poster = selectors.MovieCard(movie.pk, movie.title, movie.year, [], movie.poster_url)
    histories = selectors.histories(found.viewer_ids[:SAMPLED_VIEWERS].tolist())
    return {
        "card": make_card(1, movie.pk, poster),
        "watchers": found,
        "stars": column_chart(
            found.ratings.tolist(), [f"{n / 2:g} stars: {c}" for n, c in enumerate(found.ratings, 1)]
        ),
        "rated": int(found.ratings.sum()),
        "years": column_chart(list(found.years.values()), [f"{year}: {count}" for year, count in found.years.items()]),
        "span": f"{min(found.years)} to {max(found.years)}" if found.years else "",
        "genres": genre_bars(genre_profile(histories)),
        "standing": where,
        "window": describe_window(movie.available_from, movie.available_until),
        "watched_by": count_noun(round(len(found.viewer_ids) / found.sample_share), "viewer"),
        "on_lists": serving_status.movie_exposure(movie.pk),
        **_neighbours_or_busy(movie.pk),
    }


def _neighbours_or_busy(movie_id: int) -> dict[str, Any]:
    try:
        return {"neighbours": _neighbours(movie_id)}
    except MovieNotFound:  # made a moment ago
        return {}
    except Overloaded:
        return {"busy": True}


def _neighbours(movie_id: int) -> list[Card]:
    with suppress_metrics():
        found = find_similar(movie_id, NEIGHBOURS, rules_override=())
    near = make_cards(found.movie_ids, selectors.movie_cards(found.movie_ids))
    for one, likeness in zip(near, found.similarities, strict=True):
        one.notes.append(f"{likeness:.0%} alike")
    return near
