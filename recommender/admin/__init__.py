"""What staff see and do: models, jobs, API keys, what was shown, merchandising, schedules."""

from recommender.admin import audit, films, front, jobs, keys, models, rules, schedules, shown, staff, viewers

__all__ = ["audit", "films", "front", "jobs", "keys", "models", "rules", "schedules", "shown", "staff", "viewers"]
