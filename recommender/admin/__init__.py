"""What staff see and do: models, jobs, API keys, what was shown, merchandising."""

from recommender.admin import jobs, keys, models, rules, shown

__all__ = ["jobs", "keys", "models", "rules", "shown"]
