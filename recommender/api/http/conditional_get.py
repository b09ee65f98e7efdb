"""Conditional GET: a browser keeps its copy of an answer and asks each time whether it is still current."""

import re
from collections.abc import Mapping
from hashlib import blake2b

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags

REVALIDATE = "private, no-cache"  # the client may keep it, and asks again each time
# A list has another id in each answer; the copy that a client keeps keeps its own.
_RECOMMENDATION_IDS = re.compile(rb'"recommendation_id":"[^"]*"')
_NOT_MODIFIED_HEADERS = ("ETag", "Cache-Control", "Vary")


def shared_cache_control() -> str:
    """Return the header of an answer that is the same for everyone: by default a cache asks each time, too."""
    seconds = int(settings.SHARED_CACHE_SECONDS)
    return f"public, max-age={seconds}" if seconds else "public, no-cache"


def apply_etag(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the rendered response with its ETag, or 304 in its place where the client has the same."""
    digest = blake2b(_RECOMMENDATION_IDS.sub(b"", response.content), digest_size=12).hexdigest()
    response.headers["ETag"] = f'W/"{digest}"'
    return not_modified(request, response.headers) or response


def not_modified(request: HttpRequest, headers: Mapping[str, str]) -> HttpResponse | None:
    """Return 304 where the client has the answer with these headers; None where it has another or none."""
    if headers["ETag"] not in parse_etags(request.META.get("HTTP_IF_NONE_MATCH", "")):
        return None
    return HttpResponseNotModified(headers={name: headers[name] for name in _NOT_MODIFIED_HEADERS})
