"""Three groups of staff with the permissions that each needs. Every migration adds what is missing."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

_LOCAL = ("genrealias", "genretranslation", "movietranslation", "movieavailability")
_EDITABLE = ("movie", "genre", "person", "tag", "credit", "rule", *_LOCAL)
_CATALOGUE = (*_EDITABLE, "viewer")
_OPERATIONS = (
    "modelversion",
    "job",
    "impression",
    "servedlist",
    "newfilm",
    "experiment",
    "experimentarm",
    "auditentry",
    "alert",
)
ROLES: dict[str, dict[str, tuple[str, ...]]] = {
    # edits movies, people and merchandising; sees viewers, as rules are tried on them
    "editor": {
        "view": _CATALOGUE,
        "add": _EDITABLE,
        "change": _EDITABLE,
        "delete": ("genre", "tag", "credit", "rule", *_LOCAL),
    },
    # runs models, jobs, viewers and keys; sees the catalogue and impressions
    "operator": {
        "view": (*_CATALOGUE, *_OPERATIONS, "apikey", "webhookendpoint"),
        "add": ("apikey", "webhookendpoint", "experiment", "experimentarm"),
        "change": ("modelversion", "job", "viewer", "apikey", "webhookendpoint", "experiment", "experimentarm"),
        "delete": ("viewer", "webhookendpoint", "experiment", "experimentarm"),  # viewers are erased everywhere
    },
    # sees everything but keys, changes nothing
    "analyst": {"view": (*_CATALOGUE, *_OPERATIONS)},
}


def sync_staff_groups(**_: Any) -> None:
    """Create the groups and add their permissions. Permissions that were given by hand stay."""
    for role, rights in ROLES.items():
        group, _created = Group.objects.get_or_create(name=role)
        of_role = Q()
        for verb, models in rights.items():
            of_role |= Q(codename__in=[f"{verb}_{model}" for model in models])
        permissions = Permission.objects.filter(of_role, content_type__app_label__in=("catalog", "recommender"))
        group.permissions.add(*permissions)
