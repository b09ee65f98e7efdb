"""What staff see and do: models, jobs, API keys, what was shown, merchandising."""

from recommender.admin import front, jobs, keys, models, rules, shown

__all__ = ["front", "jobs", "keys", "models", "rules", "shown"]
