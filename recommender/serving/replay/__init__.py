"""Replay: a served list is computed again from the model and the history of then, and compared.

`as_then` computes it, `comparison` says whether it is the same, and what moved since if it is not.
"""

from recommender.serving.replay.again import Replay, replay
from recommender.serving.replay.comparison import Reason, Verdict

__all__ = ["Reason", "Replay", "Verdict", "replay"]
