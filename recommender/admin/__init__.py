"""What staff see and do: models, jobs, API keys, what was shown, merchandising."""

from recommender.admin import films, front, jobs, keys, models, rules, shown, viewers

__all__ = ["films", "front", "jobs", "keys", "models", "rules", "shown", "viewers"]
