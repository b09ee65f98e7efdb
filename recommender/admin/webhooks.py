"""Whom the system tells what: alerts, for staff, and webhooks, to addresses of the site and whether it listens."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from catalog.admin import StoredRecordAdmin
from recommender import audit
from recommender.admin.base import ReadOnlyAdmin
from recommender.audit import Action
from recommender.models import Alert, WebhookEndpoint
from recommender.webhooks import make_secret, url_problem

STATES = {"delivers": "success", "fails": "warning", "disabled": "danger"}
ALERT_STATES = {"bad now": "danger", "just seen": "warning", "good again": "success"}


class HttpsURLField(forms.URLField):
    """Reads an address; one without a scheme is https."""

    def __init__(self, **options: Any) -> None:
        super().__init__(assume_scheme="https", **options)


class WebhookForm(forms.ModelForm):
    """Edit an endpoint's URL, events and state."""

    events = forms.MultipleChoiceField(
        choices=WebhookEndpoint.Event.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = WebhookEndpoint
        fields = ("url", "description", "events", "enabled")
        field_classes = {"url": HttpsURLField}

    def clean_url(self) -> str:
        """Return the URL. Raises ValidationError for one that no webhook may go to."""
        url: str = self.cleaned_data["url"]
        if problem := url_problem(url):
            raise forms.ValidationError(problem)
        return url


@admin.register(WebhookEndpoint)
class WebhookAdmin(StoredRecordAdmin):
    """List, create and disable endpoints. The secret of a new one is shown once, after it was saved."""

    form = WebhookForm
    list_display = ("url", "description", "event_list", "state", "waiting", "last_success_at")
    list_filter = ("enabled",)
    show_full_result_count = False
    readonly_fields = ("state", "failing_since", "retry_at", "last_error", "last_success_at", "dropped", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        """Return the endpoints with how many messages wait for each."""
        return super().get_queryset(request).annotate(waits=Count("messages", filter=Q(messages__is_pending=True)))

    def get_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> tuple[str, ...]:
        """Show how deliveries went of an existing endpoint."""
        return (*WebhookForm.Meta.fields, *(self.readonly_fields if obj else ()))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save an endpoint, note it in the audit log, and show the secret of a new one. An enabled one starts anew."""
        if not change:
            obj.secret = make_secret()
        if "enabled" in form.changed_data or "url" in form.changed_data:
            obj.failures, obj.failing_since, obj.retry_at, obj.last_error = 0, None, None, ""
        super().save_model(request, obj, form, change)
        action = Action.WEBHOOK_CHANGED if change else Action.WEBHOOK_MADE
        audit.record(action, str(obj.pk), ", ".join(form.changed_data))
        if not change:
            messages.warning(request, f"The webhook's secret is: {obj.secret} It is shown this once.")

    @display(description="events")
    def event_list(self, endpoint: WebhookEndpoint) -> str:
        """Return the types of events, separated by commas."""
        return ", ".join(endpoint.events)

    @display(description="state", label=STATES)
    def state(self, endpoint: WebhookEndpoint) -> str:
        """Return whether it delivers, fails or is disabled."""
        return "disabled" if not endpoint.enabled else "fails" if endpoint.failing_since else "delivers"

    @display(description="waiting")
    def waiting(self, endpoint: Any) -> int:
        """Return how many messages wait."""
        return int(endpoint.waits)


class OpenFilter(admin.SimpleListFilter):
    """Parts what is bad now from what is good again."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the values and their words."""
        return [("open", "bad now"), ("over", "good again")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        """Return the alerts of the chosen state."""
        return queryset if self.value() is None else queryset.filter(ended_at__isnull=self.value() == "open")


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """List what turned bad, what is bad now first, each with what to do."""

    list_display = ("label", "state", "what_to_do", "seen_at", "ended_at")
    list_filter = (OpenFilter,)
    search_fields = ("label", "detail")
    ordering = (F("ended_at").desc(nulls_first=True), "-pk")
    sortable_by = ("seen_at", "ended_at")
    fields = (("part", "state"), "what_to_do", ("seen_at", "raised_at", "ended_at"), "check_name")
    readonly_fields = ("part", "state", "what_to_do")
    list_before_template = "recommender/note.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Say what an alert is above the list."""
        note = (
            "A part that is red for two rounds of a minute stands here, with what to do, until it is good again, and "
            f"{settings.JOBS_KEPT_DAYS} days longer. It is told by mail to MOVIEREC_ALERT_EMAILS and to webhooks of "
            "the event system.alert. Today has all parts, also the amber ones."
        )
        return super().changelist_view(request, {"note": note, **(extra_context or {})})

    def has_delete_permission(self, request: HttpRequest, obj: Alert | None = None) -> bool:
        """Refuse deletion to everyone: maintenance deletes old alerts."""
        return False

    @display(description="part")
    def part(self, alert: Alert) -> str:
        """Return the part's name."""
        return alert.label

    @display(description="state", label=ALERT_STATES)
    def state(self, alert: Alert) -> str:
        """Return whether it is over, holds, or was seen once and may pass."""
        return "good again" if alert.ended_at else "bad now" if alert.raised_at else "just seen"

    @display(description="what is wrong, and what to do")
    def what_to_do(self, alert: Alert) -> str:
        """Return the words of the check, as they were when it was told."""
        return alert.detail or "-"
