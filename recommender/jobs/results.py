"""What a job was asked for and what came of it, in the words of its readers: with keys in place of ids."""

from typing import Any

from catalog import selectors
from recommender.models import Job
from recommender.movies.movie_ids import movie_id_texts


def readable_result(job: Job) -> dict[str, Any]:
    """Return the result with viewers by their keys; those who are gone since are left out."""
    result: dict[str, Any] = job.result
    result = {name: value for name, value in result.items() if name != "of_viewer"}
    if failed := result.get("failed_users"):
        keys = selectors.viewer_keys(failed)
        result = result | {"failed_users": [keys[viewer_id] for viewer_id in failed if viewer_id in keys]}
    return result


def readable_parameters(job: Job, max_viewers: int) -> dict[str, Any]:
    """Return the parameters with the first MAX_VIEWERS of the posted histories; viewers and movies by their keys."""
    parameters: dict[str, Any] = job.parameters
    if histories := parameters.get("user_histories"):
        posted = {int(viewer): movies for viewer, movies in list(histories.items())[:max_viewers]}
        keys = selectors.viewer_keys(posted)
        texts = iter(movie_id_texts(int(movie) for movies in posted.values() for movie in movies))  # one query at most
        by_key = {str(keys.get(viewer, viewer)): [next(texts) for _ in movies] for viewer, movies in posted.items()}
        parameters = parameters | {"user_histories": by_key}
    return parameters
