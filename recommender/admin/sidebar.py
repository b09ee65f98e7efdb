"""The admin's sidebar: in the order of the work, in plain words, with what the member of staff may open."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

# Group -> (app and model, label, icon of Material Symbols). What is registered and not named here stands under "More".
GROUPS: dict[str, list[tuple[str, str, str]]] = {
    "Films": [
        ("catalog.movie", "Films", "movie"),
        ("catalog.person", "People", "groups"),
        ("catalog.genre", "Genres", "category"),
        ("catalog.tag", "Tags", "sell"),
    ],
    "What viewers are shown": [
        ("catalog.rule", "Rules", "push_pin"),
        ("recommender.experiment", "Experiments", "science"),
        ("recommender.servedlist", "Lists that were sent", "list_alt"),
        ("recommender.newfilm", "New films", "fiber_new"),
        ("recommender.impression", "Shown and clicked", "ads_click"),
        ("catalog.viewer", "Viewers", "person"),
    ],
    "Models": [
        ("recommender.modelversion", "Models", "neurology"),
        ("recommender.job", "Jobs", "work_history"),
        ("django_celery_beat.periodictask", "When jobs run", "schedule"),
    ],
    "Access": [
        ("recommender.apikey", "API keys", "key"),
        ("recommender.webhookendpoint", "Webhooks", "webhook"),
        ("auth.user", "Staff", "badge"),
        ("auth.group", "Roles", "shield_person"),
        ("recommender.auditentry", "Who did what", "history"),
    ],
    "Times of jobs": [
        ("django_celery_beat.crontabschedule", "At times of the day", "calendar_clock"),
        ("django_celery_beat.intervalschedule", "Every so often", "repeat"),
        ("django_celery_beat.clockedschedule", "Once, at a moment", "event"),
        ("django_celery_beat.solarschedule", "By the sun", "wb_twilight"),
    ],
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar with the pages that this member of staff may open."""
    registered = {model._meta.label_lower: model_admin for model, model_admin in admin.site._registry.items()}
    groups = dict(GROUPS)
    named = {label for entries in groups.values() for label, _, _ in entries}
    others = sorted(registered.keys() - named)
    more = [(label, str(registered[label].opts.verbose_name_plural).capitalize(), "draft") for label in others]
    shown = [_group("", [_item("Today", "monitoring", reverse("admin:index"))], collapsible=False)]
    for title, entries in {**groups, "More": more}.items():
        items = [
            _item(name, icon, reverse(f"admin:{label.replace('.', '_')}_changelist"))
            for label, name, icon in entries
            if label in registered and registered[label].has_view_or_change_permission(request)
        ]
        if items:
            shown.append(_group(title, items, collapsible=title == "Times of jobs"))
    if settings.STOREFRONT:
        shown.append(_group("", [_item("The storefront", "storefront", "/")], collapsible=False))
    return shown


def _item(title: str, icon: str, link: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": link}


def _group(title: str, items: list[dict[str, Any]], *, collapsible: bool) -> dict[str, Any]:
    return {"title": title, "items": items, "separator": bool(title), "collapsible": collapsible}
