"""A task that keeps a worker busy (celery -I)."""

import time

from celery import shared_task


@shared_task
def work(seconds: float) -> None:
    """Compute for so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(10_000))
