"""The admin's sidebar: in the order of the work, in plain words, with what the member of staff may open.

The words are those of every page: of its path, its title and its messages.
"""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

# Group -> (app and model, what one is called, what they are called, icon of Material Symbols). What is registered and
# not named here stands under "More".
GROUPS: dict[str, list[tuple[str, str, str, str]]] = {
    "": [("recommender.alert", "alert", "alerts", "notifications")],  # below the first page
    "Films": [
        ("catalog.movie", "film", "films", "movie"),
        ("catalog.person", "person", "people", "groups"),
        ("catalog.genre", "genre", "genres", "category"),
        ("catalog.tag", "tag", "tags", "sell"),
    ],
    "What viewers are shown": [
        ("catalog.rule", "rule", "rules", "push_pin"),
        ("recommender.experiment", "experiment", "experiments", "science"),
        ("recommender.servedlist", "list that was sent", "lists that were sent", "list_alt"),
        ("recommender.newfilm", "new film", "new films", "fiber_new"),
        ("recommender.impression", "film shown or clicked", "shown and clicked", "ads_click"),
        ("catalog.viewer", "viewer", "viewers", "person"),
    ],
    "Models": [
        ("recommender.modelversion", "model", "models", "neurology"),
        ("recommender.job", "job", "jobs", "work_history"),
        ("django_celery_beat.periodictask", "time of a job", "when jobs run", "schedule"),
    ],
    "Access": [
        ("recommender.apikey", "API key", "API keys", "key"),
        ("recommender.webhookendpoint", "webhook", "webhooks", "webhook"),
        ("auth.user", "member of staff", "staff", "badge"),
        ("auth.group", "role", "roles", "shield_person"),
        ("recommender.auditentry", "entry", "who did what", "history"),
    ],
    "Times of jobs": [
        ("django_celery_beat.crontabschedule", "time of the day", "at times of the day", "calendar_clock"),
        ("django_celery_beat.intervalschedule", "interval", "every so often", "repeat"),
        ("django_celery_beat.clockedschedule", "moment", "once, at a moment", "event"),
        ("django_celery_beat.solarschedule", "time by the sun", "by the sun", "wb_twilight"),
    ],
}


def name_records() -> None:
    """Call the records of every kind what the sidebar calls them, also those of other packages."""
    for label, one, many, _ in (entry for entries in GROUPS.values() for entry in entries):
        options = apps.get_model(label)._meta
        options.verbose_name, options.verbose_name_plural = one, many


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar with the pages that this member of staff may open."""
    registered = {model._meta.label_lower: model_admin for model, model_admin in admin.site._registry.items()}
    groups = dict(GROUPS)
    named = {label for entries in groups.values() for label, *_ in entries}
    more = [
        (label, "", str(registered[label].opts.verbose_name_plural), "draft")
        for label in sorted(registered.keys() - named)
    ]
    shown = []
    for title, entries in {**groups, "More": more}.items():
        items = [
            _item(capfirst(many), icon, reverse(f"admin:{label.replace('.', '_')}_changelist"))
            for label, _, many, icon in entries
            if label in registered and registered[label].has_view_or_change_permission(request)
        ]
        if not title:
            items.insert(0, _item("Today", "monitoring", reverse("admin:index")))
        if items:
            shown.append(_group(title, items, collapsible=title == "Times of jobs"))
    if settings.STOREFRONT:
        shown.append(_group("", [_item("The storefront", "storefront", "/")], collapsible=False))
    return shown


def _item(title: str, icon: str, link: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": link}


def _group(title: str, items: list[dict[str, Any]], *, collapsible: bool) -> dict[str, Any]:
    return {"title": title, "items": items, "separator": bool(title), "collapsible": collapsible}
