"""The storefront: one page for viewers, whose script calls the public API. web/ has its source, static/ its bundle.

The page is the same for everyone and needs no database. Its policy lets it run its own files alone, none inline.
"""

import json
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

# What the script shows pages of its own at. None is an address of the API.
ADDRESSES = r"^(?:film/.+|browse|search|mine(?:/[a-z]+)?|together|start|viewers)\Z"
INDEX = Path(__file__).resolve().parent / "static" / "storefront" / "index.html"
CONFIG_PLACE = "__CONFIG__"  # in the page


@require_safe
def page(request: HttpRequest, **_: str) -> HttpResponse:
    """Return the page. Raises Http404 where the storefront is off."""
    if not settings.STOREFRONT:
        raise Http404("The storefront is off.")
    config = {"tokenUrl": settings.STOREFRONT_TOKEN_URL, "posterOrigins": settings.POSTER_ORIGINS}
    response = HttpResponse(_index().replace(CONFIG_PLACE, escape(json.dumps(config))))
    response.headers["Content-Security-Policy"] = content_policy()
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Accept"
    return response


def content_policy() -> str:
    """Return the page's Content-Security-Policy: its own files, images of named sites, calls of the API."""
    images = " ".join(["'self'", *settings.POSTER_ORIGINS])
    token_site = urlsplit(settings.STOREFRONT_TOKEN_URL)
    calls = f"'self' {token_site.scheme}://{token_site.netloc}" if token_site.netloc else "'self'"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; connect-src {calls}; "
        "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _index() -> str:
    return INDEX.read_text()
