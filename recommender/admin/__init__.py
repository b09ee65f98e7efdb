"""The admin site's pages: dashboard, model versions, jobs, API keys, impressions, merchandising, schedules, staff,
webhooks."""

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
    webhooks,
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
    "webhooks",
]
