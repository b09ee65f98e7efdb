"""A viewer's page: a taste profile, the current list with its explanations, and what was filtered out of it."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
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
from recommender.serving.concurrency import Overloaded
from recommender.serving.metrics import suppress_metrics
from recommender.serving.pipeline import recommend
from recommender.serving.request import RecommendRequest
from recommender.serving.response import Answer
from recommender.viewers.taste_profile import GenreShare, TasteProfile, build_taste_profile

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
    """Add to the catalogue's page of a viewer what the recommender knows about them."""

    change_form_outer_before_template = "recommender/viewer.html"
    actions_detail = ("recompute", "erase")

    def summary(self, record: Viewer) -> dict[str, Any]:
        """Return the viewer's taste profile and current list, as viewer.html shows them."""
        profile = build_taste_profile(record.pk)
        shows = settings.STOREFRONT and record.is_simulated  # a real viewer's token is the site's to give
        context: dict[str, Any] = {
            "taste": profile and _taste_charts(profile),
            "storefront": f"/viewers?as={record.pk}" if shows else "",
        }
        try:
            with suppress_metrics():
                answer = recommend(
                    RecommendRequest(
                        viewer_id=record.pk, viewer_key=record.site_key, top_k=LIST_LENGTH, titles=True, explain=True
                    )
                )
        except Overloaded:
            return context | {"busy": True}
        removed = answer.removal_counts.items()
        return context | {
            "listed": _list_cards(answer),
            "answer": answer,
            "source": SOURCES.get(answer.source, answer.source),
            "removed": [(REMOVAL_REASONS.get(reason, reason), f"{count:,}") for reason, count in removed],
        }

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow recomputing to staff who may change viewers."""
        return bool(request.user.has_perm("catalog.change_viewer"))

    def has_erase_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow erasing to staff who may delete viewers."""
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
        """Erase a viewer and report what was deleted."""
        viewer = get_or_404(self, request, object_id)
        erased = privacy.erase_viewer(viewer.site_key)
        counts = f"{count_noun(erased.events, 'event')}, {count_noun(erased.impressions, 'impression')}"
        pending = "" if erased.stored_lists else " Redis does not answer: the stored list goes as soon as it is back."
        messages.success(request, f"The viewer is erased: {counts}.{pending}")
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
        """Make the viewer's stored list outdated. The page that follows computes a new one."""
        viewer = get_or_404(self, request, object_id)
        if invalidate_viewers([viewer.pk]):
            self.log_change(request, viewer, "Recomputed the list.")
            messages.success(request, "The list below was just computed.")
        return close_dialog_to("catalog_viewer_change", viewer.pk)


def _list_cards(answer: Answer) -> list[Card]:
    """Make the cards of an answer, with its explanations as notes."""
    movie_ids = [recommendation.movie_id for recommendation in answer.recommendations]
    cards = make_cards(movie_ids, answer.movie_cards or {})
    for card, explanation in zip(cards, answer.explanations or (), strict=False):
        if explanation.causes:
            card.notes.append(f"Because of {' and '.join(cause.title for cause in explanation.causes)}.")
        if explanation.fact:
            card.notes.append(explanation.fact)
    return cards


def _taste_charts(profile: TasteProfile) -> dict[str, Any]:
    """Return what viewer.html draws of a taste profile."""
    max_count = max((person.movie_count for person in profile.people), default=1)
    decade_labels = [f"{decade}s: {count}" for decade, count in profile.decades]
    return {
        "profile": profile,
        "genres": genre_bars(profile.genres),
        "people": [
            (f"{person.name}, {person.role}", share_bar(person.movie_count / max_count), person.movie_count)
            for person in profile.people
        ],
        "decades": column_chart([count for _, count in profile.decades], decade_labels),
        "from": profile.decades[0][0] if profile.decades else None,
        "to": profile.decades[-1][0] if profile.decades else None,
    }


def genre_bars(genres: Sequence[GenreShare]) -> list[tuple[str, SafeString, str]]:
    """Return (name, bar, share) of each genre, with a mark at everyone's share. The largest share fills its bar."""
    largest = max((max(genre.share, genre.baseline_share) for genre in genres), default=1) or 1
    return [
        (genre.name, share_bar(genre.share / largest, genre.baseline_share / largest), f"{genre.share:.0%}")
        for genre in genres
    ]
