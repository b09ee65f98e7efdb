"""A viewer's page: taste at a glance, the list that they get now with its reasons, and what was kept out of it."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.decorators import action
from unfold.forms import BaseDialogForm

from catalog.admin import ViewerAdmin
from catalog.models import Viewer
from catalog.plurals import count_noun
from catalog.services import invalidate_viewers
from recommender import privacy
from recommender.admin.base import SummaryAboveForm, close_dialog_to, get_or_404
from recommender.admin.cards import Card, make_cards
from recommender.admin.svg_charts import column_chart, share_bar
from recommender.monitoring.taste_profile import TasteProfile, build_taste_profile
from recommender.serving.concurrency import Overloaded
from recommender.serving.metrics import suppress_metrics
from recommender.serving.pipeline import recommend
from recommender.serving.request import RecommendRequest
from recommender.serving.response import Answer

LIST_LENGTH = 20
REMOVAL_REASONS = {
    "seen": "watched or rated already",
    "disliked": "disliked",
    "not_interested": "marked as not interesting",
    "not_available": "unpublished, or outside their window",
    "age_limit": "for older people than the viewer's age limit",
    "merchandising": "excluded by a merchandising rule",
    "excluded": "excluded by the request",
}
SOURCES = {
    "cache": "stored ahead of time",
    "model": "computed by the model just now",
    "similar": "films like those of a history that no model can read",
    "popular": "popular films",
}

admin.site.unregister(Viewer)


@admin.register(Viewer)
class ViewerPageAdmin(SummaryAboveForm, ViewerAdmin):
    change_form_outer_before_template = "recommender/viewer.html"
    actions_detail = ("recompute", "erase")

    def summary(self, record: Viewer) -> dict[str, Any]:
        return _viewer_summary(record)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("catalog.change_viewer"))

    def has_erase_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("catalog.delete_viewer"))

    @action(
        description="Erase",
        permissions=["erase"],
        dialog={
            "title": "Erase this viewer everywhere",
            "description": "Events, lists, impressions, and what the admin noted of them. It cannot be undone. Models "
            "trained before stay until the next training replaces them.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Erase for good",
        },
    )
    def erase(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        viewer = get_or_404(self, request, object_id)
        erased = privacy.erase_viewer(viewer.pk)
        gone = f"{count_noun(erased.events, 'event')}, {count_noun(erased.impressions, 'impression')}"
        later = "" if erased.stored_lists else " Redis does not answer: the stored list goes as soon as it is back."
        messages.success(request, f"Viewer {object_id} is erased: {gone}.{later}")
        return close_dialog_to("catalog_viewer_changelist")

    @action(
        description="Recompute the list",
        permissions=["operate"],
        dialog={
            "title": "Compute this viewer's list again",
            "description": "The stored list is no longer served.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Recompute",
        },
    )
    def recompute(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """What is stored of the viewer is old from now on; the page that follows shows the list made anew."""
        viewer = get_or_404(self, request, object_id)
        if invalidate_viewers([viewer.pk]):
            self.log_change(request, viewer, "Recomputed the list.")
            messages.success(request, "The list below was just computed.")
        return close_dialog_to("catalog_viewer_change", viewer.pk)


def _viewer_summary(viewer: Viewer) -> dict[str, Any]:
    taste = build_taste_profile(viewer.pk)
    try:
        with suppress_metrics():
            answer = recommend(RecommendRequest(viewer_id=viewer.pk, top_k=LIST_LENGTH, titles=True, explain=True))
    except Overloaded:
        return {"taste": taste and _taste_charts(taste), "busy": True}
    return {
        "taste": taste and _taste_charts(taste),
        "listed": _list_cards(answer),
        "answer": answer,
        "source": SOURCES.get(answer.source, answer.source),
        "removed": [
            (REMOVAL_REASONS.get(reason, reason), f"{count:,}") for reason, count in answer.removal_counts.items()
        ],
    }


def _list_cards(answer: Answer) -> list[Card]:
    found = make_cards([one.movie_id for one in answer.recommendations], answer.movie_cards or {})
    for one, reason in zip(found, answer.explanations or (), strict=False):
        one.notes += [f"Because of {' and '.join(of.title for of in reason.causes)}."] if reason.causes else []
        one.notes += [reason.fact] if reason.fact else []
    return found


def _taste_charts(taste: TasteProfile) -> dict[str, Any]:
    """What the template draws."""
    most = max((person.movie_count for person in taste.people), default=1)
    return {
        "facts": taste,
        "genres": genre_bars(taste.genres),
        "people": [
            (f"{one.name}, {one.role}", share_bar(one.movie_count / most), one.movie_count) for one in taste.people
        ],
        "decades": column_chart([count for _, count in taste.decades], [f"{year}s: {n}" for year, n in taste.decades]),
        "from": taste.decades[0][0] if taste.decades else None,
        "to": taste.decades[-1][0] if taste.decades else None,
    }


def genre_bars(genres: Any) -> list[tuple[str, SafeString, str]]:
    """(name, bar, share): a mark stands where everyone's share lies; the widest bar is as wide as there is room."""
    most = max((max(one.share, one.baseline_share) for one in genres), default=1) or 1
    return [(one.name, share_bar(one.share / most, one.baseline_share / most), f"{one.share:.0%}") for one in genres]
