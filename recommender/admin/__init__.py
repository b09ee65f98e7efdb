"""The operator's view of models, jobs, API keys and what was shown."""

from recommender.admin import jobs, keys, models, shown

__all__ = ["jobs", "keys", "models", "shown"]
