"""The admin site's pages: dashboard, model versions, jobs, API keys, impressions, served lists, merchandising,
schedules, staff, webhooks."""

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
    sidebar,
    staff,
    viewers,
    webhooks,
)
from recommender.admin.loop import experiments, new_films, served_lists

__all__ = [
    "api_keys",
    "audit",
    "dashboard",
    "experiments",
    "impressions",
    "jobs",
    "model_versions",
    "movies",
    "new_films",
    "rules",
    "schedules",
    "served_lists",
    "staff",
    "viewers",
    "webhooks",
]

sidebar.name_records()
