"""Three groups of staff with what each needs. Every migration makes sure of them; more may be given by hand."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

_EDITED = ("movie", "genre", "person", "tag", "credit", "rule")
_CATALOGUE = (*_EDITED, "viewer")
_RUN = ("modelversion", "job", "impression", "auditentry")
ROLES: dict[str, dict[str, tuple[str, ...]]] = {
    # films, people and merchandising; viewers to look at, as rules are tried on them
    "editor": {"view": _CATALOGUE, "add": _EDITED, "change": _EDITED, "delete": ("genre", "tag", "credit", "rule")},
    # models, runs, viewers, keys; the catalogue and what was shown to look at
    "operator": {
        "view": (*_CATALOGUE, *_RUN, "apikey"),
        "add": ("apikey",),
        "change": ("modelversion", "job", "viewer", "apikey"),
        "delete": ("viewer",),  # erased everywhere
    },
    # everything to look at but keys, nothing to change
    "analyst": {"view": (*_CATALOGUE, *_RUN)},
}


def sync_staff_groups(**_: Any) -> None:
    for role, rights in ROLES.items():
        group, _made = Group.objects.get_or_create(name=role)
        wanted = Q()
        for verb, models in rights.items():
            wanted |= Q(codename__in=[f"{verb}_{model}" for model in models])
        ours = Permission.objects.filter(wanted, content_type__app_label__in=("catalog", "recommender"))
        group.permissions.add(*ours)
