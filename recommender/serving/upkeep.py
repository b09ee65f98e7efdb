"""What keeps Redis in step with Postgres where publishing failed or Redis was emptied; beat calls it."""

from typing import Any

from catalog import selectors, services
from recommender import cache, registry
from recommender.cache import CacheUnavailable, Stamps
from recommender.serving.stamps import NOBODY, UNKNOWN

OUTBOX_BLOCK = 5_000  # viewers


def publish_pending() -> int:
    """Publishes the versions of the viewers in the outbox. Returns how many."""
    published = 0
    while versions := selectors.unpublished_viewers(OUTBOX_BLOCK):
        try:
            cache.publish_viewers(versions)
        except CacheUnavailable:
            break  # they stay in the outbox
        cleared = services.mark_published(versions)
        published += cleared
        if not cleared:  # all are being written to right now
            break
    return published


def repair() -> dict[str, Any]:
    """Puts the epoch, the catalogue version and the pointer to the active model back to what Postgres says."""
    try:
        mark = cache.mark_absent(NOBODY, UNKNOWN._replace(viewer=NOBODY))
        catalogue, epoch = selectors.revision()
        cache.put_back(mark, NOBODY, Stamps(None, epoch, catalogue, None))
        model = registry.republish()
    except CacheUnavailable as error:
        return {"published": False, "why": str(error)}
    return {"published": True, "epoch": epoch, "catalogue": catalogue, "model": model}
