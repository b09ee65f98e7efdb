"""What waits in the logs, brought into its tables: the lists first, as what came of them is tied to them."""

import logging

from recommender.cache import CacheUnavailable
from recommender.experiments import exposures
from recommender.outcomes.attribution import store_outcomes
from recommender.served_lists.storage import store_served_lists

log = logging.getLogger(__name__)


def store_logs() -> int:
    """Store the lists that clients got, who was exposed to an experiment by them, and what came of any list. Returns
    the number of lists; while Redis does not answer, what waits there goes on waiting. Not to be run twice at once."""
    try:
        stored = store_served_lists(exposures.record)
        store_outcomes()
    except CacheUnavailable as error:
        log.warning("What waits in the logs is stored later: %s", error)
        return 0
    return stored
