"""Webhooks: the site is told when a viewer's lists changed, a nightly job or an import ended, or a part turned bad.

Messages wait in Postgres, so nothing is lost with a process: each is delivered at least once, with the same id at every
try. A viewer who changes often is told of once in a while, and a message holds no more of them than their key.
"""

from recommender.webhooks.delivery import deliver, send_alert
from recommender.webhooks.endpoints import make_secret, url_problem
from recommender.webhooks.message_queue import (
    alert_endpoints,
    prune,
    queue_alerts,
    queue_jobs_and_find_due,
    queue_viewers,
)

__all__ = [
    "alert_endpoints",
    "deliver",
    "make_secret",
    "prune",
    "queue_alerts",
    "queue_jobs_and_find_due",
    "queue_viewers",
    "send_alert",
    "url_problem",
]
