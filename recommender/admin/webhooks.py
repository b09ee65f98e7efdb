"""Webhooks: where the site is told of what happened, and whether it listens."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from catalog.admin import StoredRecordAdmin
from recommender import audit
from recommender.audit import Action
from recommender.models import WebhookEndpoint
from recommender.webhooks import make_secret, url_problem

STATES = {"delivers": "success", "fails": "warning", "disabled": "danger"}


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
