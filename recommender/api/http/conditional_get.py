"""ETags of answers that are true only now: a browser keeps its copy and asks whether it still is."""

import re
from hashlib import blake2b

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags

REVALIDATE = "private, no-cache"  # may be kept by the one who asked, and is asked for again each time
# A list has another id each time it is given; the copy that is kept keeps its own.
_RECOMMENDATION_IDS = re.compile(rb'"recommendation_id":"[^"]*"')
_NOT_MODIFIED_HEADERS = ("ETag", "Cache-Control", "Vary")


def apply_etag(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The rendered answer with its ETag, or 304 in its place where the client has the same."""
    digest = blake2b(_RECOMMENDATION_IDS.sub(b"", response.content), digest_size=12).hexdigest()
    etag = response.headers["ETag"] = f'W/"{digest}"'
    had = request.headers.get("If-None-Match")
    if had is None or etag not in parse_etags(had):
        return response
    return HttpResponseNotModified(headers={name: response.headers[name] for name in _NOT_MODIFIED_HEADERS})
