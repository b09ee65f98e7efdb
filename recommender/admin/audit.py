"""The audit log: who activated a model, started a job, erased or merged a viewer, made a key."""

from django.contrib import admin
from django.http import HttpRequest

from recommender.admin.base import ReadOnlyAdmin
from recommender.models import AuditEntry


@admin.register(AuditEntry)
class AuditAdmin(ReadOnlyAdmin):
    """List audit entries, newest first. Nobody can change or delete one."""

    list_display = ("at", "actor", "action", "subject", "details")
    list_display_links = ("at",)
    list_filter = ("action",)
    search_fields = ("actor", "subject", "request_id")
    search_help_text = "A name, the beginning of a key, a model, a job's id, or the X-Request-ID of a call."
    show_full_result_count = False
    sortable_by = ("at",)

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        """Refuse deletion to everyone."""
        return False
