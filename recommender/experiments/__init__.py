"""Experiments: viewers are assigned to arms by a hash, their lists are served as the arm says, and what they do after
the first such list is compared.

`assignment` is on the read path and asks nobody; `exposures` are written from the log of served lists; `results` reads
what came of it.
"""

from recommender.experiments.assignment import Assignment, assign
from recommender.experiments.exposures import erase_viewer, merge_viewers

__all__ = ["Assignment", "assign", "erase_viewer", "merge_viewers"]
