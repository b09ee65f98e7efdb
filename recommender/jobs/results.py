"""What a job's result says, in the words of its readers."""

from typing import Any

from catalog import selectors
from recommender.models import Job


def readable_result(job: Job) -> dict[str, Any]:
    """Return the result with viewers by their keys; those who are gone since are left out."""
    result: dict[str, Any] = job.result
    if failed := result.get("failed_users"):
        keys = selectors.viewer_keys(failed)
        result = result | {"failed_users": [keys[viewer_id] for viewer_id in failed if viewer_id in keys]}
    return result
