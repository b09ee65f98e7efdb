"""The model registry: the versions, the active one, their folders, and this process's rankers.

The `ModelVersion` rows are the truth; Redis carries the announcement and the pointer that mirror it.
"""

from recommender.registry.artifacts import folder, is_loadable
from recommender.registry.loader import fetch_for_comparison, get_or_load, keep, load_for_comparison, ranker
from recommender.registry.versions import (
    ActivationRefused,
    activate,
    active_name,
    code_revision,
    prune,
    register,
    reject_former_data,
    repair_pointer,
    rollback,
    rollback_target,
    servable_version,
    set_data_set_reader,
)
from recommender.registry.watcher import on_tick, start_watcher

__all__ = [
    "ActivationRefused",
    "activate",
    "active_name",
    "code_revision",
    "fetch_for_comparison",
    "folder",
    "get_or_load",
    "is_loadable",
    "keep",
    "load_for_comparison",
    "on_tick",
    "prune",
    "ranker",
    "register",
    "reject_former_data",
    "repair_pointer",
    "rollback",
    "rollback_target",
    "servable_version",
    "set_data_set_reader",
    "start_watcher",
]
