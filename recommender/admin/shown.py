"""Impressions and clicks."""

from django.contrib import admin

from recommender.admin.pages import ReadOnly
from recommender.models import Impression


@admin.register(Impression)
class ImpressionAdmin(ReadOnly):
    list_display = ("occurred_at", "kind", "viewer_id", "movie_id", "position", "recommendation_id")
    list_filter = ("kind",)
    search_fields = ("=viewer_id", "=movie_id", "=recommendation_id")
    show_full_result_count = False
