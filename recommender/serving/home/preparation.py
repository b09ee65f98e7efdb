"""Home pages ahead of time, for the viewers who were active last: the end of the night and of a batch.

A viewer gets the pages again that they asked for in the last day, else the page of a call without parameters. A page
is judged when it is read as any other; one that is overtaken is made anew, and then the viewer is encoded already.
"""

import time

from django.conf import settings

from catalog import selectors
from catalog.plurals import count_noun
from recommender import cache
from recommender.cache import CacheUnavailable
from recommender.jobs.leases import Lease
from recommender.serving.home.page import make_ahead
from recommender.serving.home.stored import PageRequest, request_of
from recommender.serving.metrics import suppress_metrics
from recommender.serving.request import RecommendRequest

DAY = 86_400  # seconds
BLOCK_SIZE = 200  # viewers whose pages are looked up at once; after each the job can be taken up again
DEFAULT_ROWS, DEFAULT_ROW_LENGTH = 8, 12  # of a call without parameters


def prepare_pages(lease: Lease) -> None:
    """Store the pages of the viewers with an event in the last MOVIEREC_HOME_ACTIVE_DAYS, of MOVIEREC_HOME_PREPARED at
    most, those who were active last. A job that is claimed again goes on behind the last block.

    The job's result has the number of `home_pages`. Without Redis there is nothing to be done.
    """
    if "home_pages" in lease.result:
        return  # the process that did it died later
    since = int(time.time()) - settings.HOME_ACTIVE_DAYS * DAY
    viewers = selectors.last_active_viewers(since, settings.HOME_PREPARED)
    started, state = time.monotonic(), lease.result.setdefault("home", {"after": None, "pages": 0})
    done = sum(state["after"] is not None and viewer_id <= state["after"] for viewer_id in viewers)
    try:
        with suppress_metrics():
            for first in range(done, len(viewers), BLOCK_SIZE):
                lease.report_progress("home pages", first, len(viewers))
                block = viewers[first : first + BLOCK_SIZE]
                stored = cache.read_homes(block)
                for viewer_id in block:
                    requests = [request_of(page, viewer_id) for page in stored[viewer_id]] or [_plain(viewer_id)]
                    state["pages"] += sum(map(make_ahead, requests))
                state["after"] = block[-1]
                lease.save()
    except CacheUnavailable as error:
        lease.log(f"Home pages are made when they are asked for: {error}")
        return
    lease.report_progress("home pages", len(viewers), len(viewers))
    lease.result["home_pages"] = state["pages"]
    pages, of = count_noun(state["pages"], "home page"), count_noun(len(viewers), "viewer")
    lease.log(f"{pages} of {of} who were active lately, in {time.monotonic() - started:.1f} s")
    del lease.result["home"]
    lease.save()


def _plain(viewer_id: int) -> PageRequest:
    base = RecommendRequest(viewer_id=viewer_id, top_k=DEFAULT_ROW_LENGTH)
    return PageRequest(base, DEFAULT_ROWS, DEFAULT_ROW_LENGTH)
