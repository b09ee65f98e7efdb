"""What staff see and do: models, jobs, API keys, what was shown, merchandising, schedules."""

from recommender.admin import (
    api_keys,
    audit,
    dashboard,
    impressions,
    jobs,
    model_versions,
    movies,
    rules,
    schedules,
    staff,
    viewers,
)

__all__ = [
    "api_keys",
    "audit",
    "dashboard",
    "impressions",
    "jobs",
    "model_versions",
    "movies",
    "rules",
    "schedules",
    "staff",
    "viewers",
]
