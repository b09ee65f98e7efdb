"""Impressions and clicks, as clients reported them."""

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from unfold.decorators import display

from catalog import selectors
from catalog.keys import Key
from catalog.limits import parse_id
from catalog.models import Viewer
from recommender.admin.base import ReadOnlyAdmin
from recommender.models import Impression
from recommender.movies.movie_ids import movie_id_text

MAX_PAGED_ROWS = 10_000
MAX_SEARCHED_ROWS = 300_000  # the newest; searching them takes some ten milliseconds


class BoundedPaginator(Paginator):
    """Count and page no more than MAX_PAGED_ROWS rows: the table grows without end."""

    @cached_property
    def count(self) -> int:
        """Count up to MAX_PAGED_ROWS rows."""
        return int(self.object_list.order_by()[:MAX_PAGED_ROWS].count())  # type: ignore[attr-defined]


@admin.register(Impression)
class ImpressionAdmin(ReadOnlyAdmin):
    """List impressions and clicks. Only viewer_id has an index: each index slows the writing of events down."""

    list_display = ("occurred_at", "kind", "viewer", "movie", "position", "recommendation_id")
    list_filter = ("kind",)
    search_fields = ("viewer_id", "movie_id", "recommendation_id")
    search_help_text = (
        f"A viewer's id; or, among the newest {MAX_SEARCHED_ROWS:,}, a film's or a list's. "
        f"Pages end after {MAX_PAGED_ROWS:,} rows."
    )
    sortable_by = ("occurred_at",)
    show_full_result_count = False
    paginator = BoundedPaginator

    @display(description="film")
    def movie(self, impression: Impression) -> str:
        """Return the movie's key."""
        return movie_id_text(impression.movie_id)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Impression]:
        """Add the keys of viewers that are texts."""
        key = Viewer.objects.filter(pk=OuterRef("viewer_id")).values("key")
        return super().get_queryset(request).annotate(text_key=Subquery(key))

    def viewer(self, impression: Impression) -> Key:
        """Return the viewer's key."""
        return getattr(impression, "text_key", None) or impression.viewer_id

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Impression], search_term: str
    ) -> tuple[QuerySet[Impression], bool]:
        """Search viewers in all rows, and movies and lists among the newest."""
        for word in search_term.split():
            newest = Impression.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
            is_recent: dict[str, Any] = {"pk__gt": newest - MAX_SEARCHED_ROWS}
            matches = Q(recommendation_id=word, **is_recent)
            if number := parse_id(word):
                matches |= Q(viewer_id=number)
            elif viewer_id := selectors.find_viewer(word):
                matches |= Q(viewer_id=viewer_id)
            if movie_id := selectors.resolve_movie_id(word):
                matches |= Q(movie_id=movie_id, **is_recent)
            queryset = queryset.filter(matches)
        return queryset, False
