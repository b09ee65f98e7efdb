"""Merchandising rules: editing, a preview on a viewer's list, and a history of every change."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from catalog.admin import CatalogueAdmin
from catalog.models import Rule
from catalog.plurals import count_noun
from recommender.admin.base import get_or_404
from recommender.admin.rule_preview import PreviewForm, before_and_after
from recommender.serving.concurrency import Overloaded
from recommender.serving.similar import MovieNotFound

MAX_ACTIVE_RULES = 200  # live or scheduled; each adds to every load of the catalogue


def _too_many_message() -> str:
    return f"At most {MAX_ACTIVE_RULES} rules may be switched on at a time: switch some off first."


def _not_ended(rules: QuerySet[Rule]) -> QuerySet[Rule]:
    return rules.exclude(ends_at__lte=timezone.now())


class RuleForm(forms.ModelForm):
    """Edit a rule: what it does, to which movies, on which lists and when."""

    shelves = forms.MultipleChoiceField(
        choices=Rule.Surface.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        label="Lists",
        help_text="None chosen: every list.",
    )

    class Meta:
        model = Rule
        fields = (
            "name", "action", "places", "by", *Rule.Target.values, "shelves", "starts_at", "ends_at", "enabled",
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Clear the targets that the page hides, and refuse too many active rules."""
        values = super().clean() or self.cleaned_data
        by = values.get("by")
        for name in Rule.Target.values:
            if name != by:
                values[name] = None
        if by and values.get(by) is None and by not in self.errors:
            self.add_error(by, f"Choose the {Rule.Target(by).label} that the rule is of.")
        others = _not_ended(Rule.objects.filter(enabled=True)).exclude(pk=self.instance.pk)
        if values.get("enabled") and others.count() >= MAX_ACTIVE_RULES:
            self.add_error("enabled", _too_many_message())
        return values


@admin.register(Rule)
class RuleAdmin(CatalogueAdmin):
    """List, edit, switch and preview merchandising rules."""

    form = RuleForm
    list_display = ("name", "effect", "target", "surfaces", "state", "starts_at", "ends_at")
    list_filter = ("enabled", "action", "by")
    search_fields = ("name",)
    sortable_by = ("name", "starts_at", "ends_at")
    autocomplete_fields = ("movie", "genre", "person", "tag")
    actions = ("enable", "disable")
    readonly_fields = ("preview_link",)
    fieldsets = (
        (None, {"fields": ("name", ("action", "places"))}),
        ("Films", {"fields": ("by", "movie", "genre", "person", "tag")}),
        ("Where and when", {"fields": ("shelves", "starts_at", "ends_at", "enabled")}),
        ("Before and after", {"fields": ("preview_link",)}),
    )
    # unfold shows a field while its condition holds
    conditional_fields = {name: f"by == '{name}'" for name in Rule.Target.values} | {"places": "action != 'exclude'"}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        """Read the targets of all rules with them."""
        return super().get_queryset(request).select_related("movie", "genre", "person", "tag")

    def get_urls(self) -> list[URLPattern]:
        """Add the page that previews a rule."""
        preview = self.admin_site.admin_view(self.preview)
        return [path("<int:rule_id>/preview/", preview, name="catalog_rule_preview"), *super().get_urls()]

    @display(description="does")
    def effect(self, rule: Rule) -> str:
        """Describe what the rule does to its movies."""
        effects = {
            Rule.Action.BOOST: f"{count_noun(rule.places, 'place')} up",
            Rule.Action.BURY: f"{count_noun(rule.places, 'place')} down",
            Rule.Action.PIN: f"pins at place {rule.places}",
        }
        return effects.get(Rule.Action(rule.action), "excludes")

    @display(description="of")
    def target(self, rule: Rule) -> str:
        """Describe which movies the rule is for."""
        return f"{rule.get_by_display()} {getattr(rule, rule.by)}"

    @display(description="on")
    def surfaces(self, rule: Rule) -> str:
        """Name the lists that the rule applies to."""
        return ", ".join(Rule.Surface(surface).label for surface in rule.shelves) or "every list"

    @display(description="state", label={"live": "success", "scheduled": "info", "ended": "warning", "off": "danger"})
    def state(self, rule: Rule) -> str:
        """Return live, scheduled, ended or off."""
        now = timezone.now()
        if not rule.enabled:
            return "off"
        if rule.starts_at and rule.starts_at > now:
            return "scheduled"
        return "ended" if rule.ends_at and rule.ends_at <= now else "live"

    @display(description="try it")
    def preview_link(self, rule: Rule) -> SafeString | str:
        """Link to the preview; a rule that is not saved has none."""
        if rule.pk is None:
            return "Save the rule first: switched off, or to start later, it can be tried and changes nothing."
        link = "<a class='mr-link' href='{}'>A viewer's list before and after</a>"
        return format_html(link, reverse("admin:catalog_rule_preview", args=[rule.pk]))

    @admin.action(description="Switch on", permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        """Switch rules on, unless that makes too many active."""
        added = _not_ended(queryset.filter(enabled=False)).count()
        if added + _not_ended(Rule.objects.filter(enabled=True)).count() > MAX_ACTIVE_RULES:
            self.message_user(request, _too_many_message(), messages.ERROR)
            return
        self._switch(request, queryset, True)

    @admin.action(description="Switch off", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Rule]) -> None:
        """Switch rules off."""
        self._switch(request, queryset, False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Rule], enabled: bool) -> None:
        changed = list(queryset.exclude(enabled=enabled))
        for rule in changed:
            rule.enabled = enabled
            self.save_model(request, rule, None, True)  # type: ignore[arg-type]
            self.log_change(request, rule, f"Enabled: {not enabled} → {enabled}")
        verb, state = "is" if len(changed) == 1 else "are", "on" if enabled else "off"
        self.message_user(request, f"{count_noun(len(changed), 'rule')} {verb} now {state}.")

    def preview(self, request: HttpRequest, rule_id: int) -> HttpResponse:
        """Render the page that previews a rule. Raises Http404, PermissionDenied."""
        rule = get_or_404(self, request, str(rule_id))
        if not self.has_view_permission(request, rule) or not request.user.has_perm("catalog.view_viewer"):
            raise PermissionDenied
        form = PreviewForm(request.GET or None, shelves=rule.shelves)
        context = self.admin_site.each_context(request) | {
            "title": f"{rule.name}: before and after",
            "opts": self.opts,
            "rule": rule,
            "effect": f"{self.effect(rule)}, {self.target(rule)}, on {self.surfaces(rule)}",
            "form": form,
        }
        if form.is_valid():
            try:
                context["columns"] = before_and_after(rule, form)
            except MovieNotFound as error:
                form.add_error("film", str(error))
            except Overloaded:
                context["busy"] = True
        return TemplateResponse(request, "recommender/preview.html", context)
