"""What was shown: the lists that clients got, as they looked, with what the viewers did."""

from collections import defaultdict
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from unfold.decorators import action, display

from catalog import selectors
from catalog.keys import Key, parse_key
from catalog.models import Viewer
from recommender import registry
from recommender.admin.base import ReadOnlyAdmin, get_or_404
from recommender.admin.cards import Card, make_cards
from recommender.admin.impressions import BoundedPaginator
from recommender.admin.loop.insights import insights_page
from recommender.models import ModelVersion, Outcome, ServedList
from recommender.served_lists import parse_list_id, served_at
from recommender.served_lists.describe import describe_lists
from recommender.served_lists.entry import Films
from recommender.served_lists.storage import lists_of
from recommender.serving.replay import Verdict, replay

DONE = {kind: kind.label.replace("_", " ") for kind in Outcome.Kind} | {Outcome.Kind.IMPRESSION: "seen"}


@admin.register(ServedList)
class ServedListAdmin(ReadOnlyAdmin):
    """List what clients got, the newest first, and show each list as it looked."""

    change_form_outer_before_template = "recommender/served_list.html"
    list_display = ("served", "viewer", "surface", "row", "source", "model_version", "length")
    list_filter = ("surface",)
    search_fields = ("viewer_id",)
    search_help_text = "A viewer's id, or the id of a list (recommendation_id)."
    ordering = ("-pk",)
    sortable_by = ()
    fields = ("served", "viewer", "surface", "row", "source", "model_version", "request")
    show_full_result_count = False
    paginator = BoundedPaginator
    actions_list = ("to_insights",)
    actions_detail = ("compute_again",)

    def get_urls(self) -> list[URLPattern]:
        """Add the page of what came of the lists."""
        page = self.admin_site.admin_view(partial(insights_page, model_admin=self))
        return [path("insights/", page, name="recommender_servedlist_insights"), *super().get_urls()]

    @action(description="What came of them", url_path="to-insights", permissions=["view"])
    def to_insights(self, request: HttpRequest) -> HttpResponse:
        """Open the page of what came of the lists."""
        return redirect("admin:recommender_servedlist_insights")

    @action(description="Compute again", permissions=["view"])
    def compute_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Compute the list again by the active model, and say whether it is the same, or what moved since."""
        served = get_or_404(self, request, object_id)
        active = registry.active_name()
        difference = replay(served, models=[] if active is None else [active]).difference
        level = messages.SUCCESS if difference.verdict == Verdict.SAME else messages.WARNING
        texts = [f"Computed again: {difference.verdict}.", *(text for _, text in difference.reasons)]
        messages.add_message(request, level, " ".join(texts))
        return redirect("admin:recommender_servedlist_change", served.pk)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse deleting to everyone: a list goes with its viewer, or with its day."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ServedList]:
        """Add the keys of viewers that are texts, and the names of models."""
        key = Viewer.objects.filter(pk=OuterRef("viewer_id")).values("key")
        model = ModelVersion.objects.filter(pk=OuterRef("model_id")).values("name")
        return super().get_queryset(request).annotate(text_key=Subquery(key), model_name=Subquery(model))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ServedList], search_term: str
    ) -> tuple[QuerySet[ServedList], bool]:
        """Search by a list's id, else by a viewer; a group's lists are its members'."""
        for word in search_term.split():
            if list_id := parse_list_id(word):
                queryset = queryset.filter(pk=list_id)
                continue
            key = parse_key(word)
            viewer_id = key if isinstance(key, int) else selectors.find_viewer(word)
            found = ServedList.objects.none() if not viewer_id else lists_of(viewer_id)
            queryset = queryset.filter(pk__in=found.values("pk"))
        return queryset, False

    @display(description="served at")
    def served(self, served: ServedList) -> str:
        """Return when the list was served, UTC."""
        return f"{served_at(served.pk):%Y-%m-%d %H:%M:%S}"

    @display(description="viewer")
    def viewer(self, served: ServedList) -> Key:
        """Return the viewer's key."""
        return getattr(served, "text_key", None) or served.viewer_id or "-"

    @display(description="model")
    def model_version(self, served: ServedList) -> str:
        """Return the model version's name."""
        return getattr(served, "model_name", None) or "-"

    @display(description="films")
    def length(self, served: ServedList) -> int:
        """Return how many films the list had."""
        return len(Films.unpack(bytes(served.films)).movie_ids)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **more: Any) -> Any:
        """Add the list as it looked."""
        response = super().render_change_form(request, context, *args, **more)
        if (served := context.get("original")) is not None:
            response.context_data |= {"cards": _cards(served), "told": next(describe_lists([served]))}
        return response


def _cards(served: ServedList) -> list[Card]:
    """Return the films as the client got them, each with what was done with it."""
    movie_ids = Films.unpack(bytes(served.films)).movie_ids.tolist()
    done: dict[int, list[str]] = defaultdict(list)
    for outcome in Outcome.objects.filter(list_id=served.pk).order_by("delay", "kind"):
        said = DONE[Outcome.Kind(outcome.kind)] + (", by time" if outcome.is_attributed else "")
        done[outcome.movie_id].append(f"{said} after {_duration(outcome.delay)}")
    cards = make_cards(movie_ids, selectors.movie_cards(movie_ids))
    for card in cards:
        card.notes += done[card.movie_id]
        card.is_highlighted = any(not note.startswith("seen") for note in card.notes)
    return cards


def _duration(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7_200 else f"{seconds // 3_600} h"
