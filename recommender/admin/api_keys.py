"""API keys: made with their scopes, shown once, rotated, revoked."""

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
from recommender.admin.base import close_dialog_to, get_or_404
from recommender.api_keys import ROTATION_OVERLAP, rotate
from recommender.audit import Action
from recommender.models import ApiKey

STATES = {"live": "success", "expired": "warning", "revoked": "danger"}


class ApiKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(choices=ApiKey.Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget)

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "expiry_date", "revoked")


@admin.register(ApiKey)
class ApiKeyAdmin(APIKeyModelAdmin, StoredRecordAdmin):
    """A new key is shown once, in the message after it was saved; only its hash is kept."""

    model = ApiKey
    form = ApiKeyForm
    list_display = (  # type: ignore[assignment]
        *("prefix", "name", "scope_list", "state", "created", "expiry_date", "last_used_at"),
    )
    list_filter = ("revoked",)
    actions_detail = ("rotate",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        ended = ("scopes",) if obj is not None and obj.revoked else ()
        return (*super().get_readonly_fields(request, obj), *ended, "last_used_at")

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        seen = ("prefix", "last_used_at") if obj else ()
        return (*seen, *ApiKeyForm.Meta.fields)

    def has_operate_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return bool(request.user.has_perm("recommender.add_apikey"))

    def save_model(self, request: HttpRequest, obj: Any, form: Any = None, change: bool = False) -> None:
        super().save_model(request, obj, form, change)
        changed = form.changed_data if form else []
        done = Action.KEY_MADE if not change else Action.KEY_REVOKED if "revoked" in changed else Action.KEY_CHANGED
        if changed:
            audit.record(done, obj.prefix, f"{obj.name}: {', '.join(obj.scopes)}")

    def delete_model(self, request: HttpRequest, obj: ApiKey) -> None:
        audit.record(Action.KEY_REVOKED, obj.prefix, f"{obj.name}: deleted")
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            self.delete_model(request, key)

    @display(description="scopes")
    def scope_list(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @display(description="state", label=STATES)
    def state(self, key: ApiKey) -> str:
        return "revoked" if key.revoked else "expired" if key.has_expired else "live"

    @action(
        description="Rotate",
        permissions=["operate"],
        dialog={
            "title": "Make the key that follows this one",
            "description": f"It has its name and scopes. Both are good for {ROTATION_OVERLAP.days} days, then this one ends.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Rotate",
        },
    )
    def rotate(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        former = get_or_404(self, request, object_id)
        try:
            fresh, key = rotate(former.prefix)
        except ApiKey.DoesNotExist:
            messages.error(request, f"{former.prefix} is not live: nothing follows it.")
            return close_dialog_to("recommender_apikey_change", former.pk)
        messages.warning(request, f"The API key for {fresh.name} is: {key}. It is shown this once.")
        return close_dialog_to("recommender_apikey_change", fresh.pk)


admin.site.unregister(UnscopedKey)  # a key without scopes opens nothing here
