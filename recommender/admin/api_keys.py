"""API keys: created with scopes, shown once, rotated, revoked."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from rest_framework_api_key.admin import APIKeyModelAdmin
from rest_framework_api_key.models import APIKey as UnscopedKey
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from catalog.admin import StoredRecordAdmin
from recommender import audit
from recommender.admin.base import ActionsByState, close_dialog_to, get_or_404
from recommender.api_keys import ROTATION_OVERLAP, rotate
from recommender.audit import Action
from recommender.models import ApiKey

STATES = {"live": "success", "expired": "warning", "revoked": "danger"}


class ApiKeyForm(forms.ModelForm):
    """Edit a key's name, scopes and end."""

    scopes = forms.MultipleChoiceField(choices=ApiKey.Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget)

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "expiry_date", "revoked")


@admin.register(ApiKey)
class ApiKeyAdmin(ActionsByState, APIKeyModelAdmin, StoredRecordAdmin):
    """List, create, rotate and revoke keys. A new key is shown once, after it was saved; only its hash is stored."""

    model = ApiKey
    form = ApiKeyForm
    list_display = (  # type: ignore[assignment]
        *("prefix", "name", "scope_list", "state", "created", "expiry_date", "last_used_at"),
    )
    list_filter = ("revoked",)
    actions_detail = ("rotate",)

    def possible_actions(self, record: ApiKey) -> Collection[str]:
        """Offer to rotate a live key."""
        return ("rotate",) if self.state(record) == "live" else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Protect the scopes of a revoked key."""
        protected = ("scopes",) if obj is not None and obj.revoked else ()
        return (*super().get_readonly_fields(request, obj), *protected, "last_used_at")

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        """Show the prefix and the last use of an existing key."""
        stored = ("prefix", "last_used_at") if obj else ()
        return (*stored, *ApiKeyForm.Meta.fields)

    def has_operate_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Allow rotation to staff who may add keys."""
        return bool(request.user.has_perm("recommender.add_apikey"))

    def save_model(self, request: HttpRequest, obj: Any, form: Any = None, change: bool = False) -> None:
        """Save a key and note it in the audit log."""
        super().save_model(request, obj, form, change)
        changed = form.changed_data if form else []
        entry = Action.KEY_MADE if not change else Action.KEY_REVOKED if "revoked" in changed else Action.KEY_CHANGED
        if changed:
            audit.record(entry, obj.prefix, f"{obj.name}: {', '.join(obj.scopes)}")

    def delete_model(self, request: HttpRequest, obj: ApiKey) -> None:
        """Delete a key and note it in the audit log."""
        audit.record(Action.KEY_REVOKED, obj.prefix, f"{obj.name}: deleted")
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Delete keys one by one, so that each is in the audit log."""
        for key in queryset:
            self.delete_model(request, key)

    @display(description="scopes")
    def scope_list(self, key: ApiKey) -> str:
        """Return the scopes, separated by commas."""
        return ", ".join(key.scopes)

    @display(description="state", label=STATES)
    def state(self, key: ApiKey) -> str:
        """Return live, expired or revoked."""
        return "revoked" if key.revoked else "expired" if key.has_expired else "live"

    @action(
        description="Rotate",
        permissions=["operate"],
        dialog={
            "title": "Make the key that follows this one",
            "description": "The new key has the same name and scopes. "
            f"Both are good for {ROTATION_OVERLAP.days} days, then this one ends.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Rotate",
        },
    )
    def rotate(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Create the key that follows this one, and show it once."""
        old = get_or_404(self, request, object_id)
        try:
            new, secret = rotate(old.prefix)
        except ApiKey.DoesNotExist:
            messages.error(request, f"{old.prefix} is not live: nothing follows it.")
            return close_dialog_to("recommender_apikey_change", old.pk)
        messages.warning(request, f"The API key for {new.name} is: {secret}. It is shown this once.")
        return close_dialog_to("recommender_apikey_change", new.pk)


admin.site.unregister(UnscopedKey)  # a key without scopes opens nothing here
