"""What the pages share."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.admin import ModelAdmin

COLOURS = {
    "active": "success",
    "done": "success",
    "running": "info",
    "queued": "info",
    "candidate": "warning",
    "cancelled": "warning",
    "refused": "danger",
    "failed": "danger",
}


def to_page(viewname: str, *args: Any) -> HttpResponse:
    """Closes a dialog and goes on to a page."""
    return HttpResponse(headers={"HX-Redirect": reverse(f"admin:recommender_{viewname}", args=args)})


class ReadOnly(ModelAdmin):
    """Rows that only the system writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
