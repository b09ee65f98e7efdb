"""Whether there is enough to train a model on: the one rule that the nightly job, health and the dashboard share."""

import threading
import time

from django.db import connection

from catalog.plurals import count_noun
from recommender import process_state

MIN_EVENTS = 100  # watches and ratings, of viewers that have enough of them
MIN_MOVIES_PER_VIEWER = 4  # two to train on, one to validate and one to test with
REMEMBER_SECONDS = 10.0  # seconds for which a process remembers the answer

# Reads as many viewers as suffice, in the order of the index: the cost does not grow with the table.
_LEARNABLE_EVENTS = """
    SELECT coalesce(sum(films), 0) FROM (
      SELECT count(DISTINCT movie_id) AS films FROM catalog_watchevent WHERE kind IN (1, 2)
      GROUP BY viewer_id HAVING count(DISTINCT movie_id) >= %s ORDER BY viewer_id LIMIT %s) AS viewers
"""

MODEL_PENDING = "no model is active yet: the next nightly job trains one, until then lists are popular and latest films"

# The message, and until when it is good (monotonic seconds).
_remembered = process_state.Value("training data: why there is no model", ("", 0.0))
_lock = threading.Lock()


class NotEnoughData(Exception):
    """There is too little to train on; the message says how much more. Not an error: the nightly job ends as done."""


def missing_events() -> int:
    """Return how many more events a model needs at least; 0 where one can be trained. Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute(_LEARNABLE_EVENTS, [MIN_MOVIES_PER_VIEWER, -(-MIN_EVENTS // MIN_MOVIES_PER_VIEWER)])
        return max(0, MIN_EVENTS - int(cursor.fetchone()[0]))


def missing_message(missing: int) -> str:
    """Say what a model waits for, where `missing` is above 0."""
    events = count_noun(missing, "more event")
    return f"{events} (watches or ratings, by viewers with {MIN_MOVIES_PER_VIEWER} films or more)"


def no_model_message() -> str:
    """Say why a site without a model has none. Remembered for REMEMBER_SECONDS, as health checks ask often."""
    with _lock:
        message, until = _remembered.current
        if time.monotonic() > until:
            missing = missing_events()
            message = f"no model yet, {missing_message(missing)}" if missing else MODEL_PENDING
            _remembered.current = message, time.monotonic() + REMEMBER_SECONDS
    return message
