"""The storefront: one page for viewers, whose script calls the public API. web/ has its source, static/ its bundle.

The page needs no database, and is the same for everyone but staff, whom it leads to the admin. Its policy lets it run
its own files alone, none inline.
"""

import json
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

# What the script shows pages of its own at. None is an address of the API.
ADDRESSES = r"^(?:film/.+|browse|search|mine(?:/[a-z]+)?|together|start|viewers)\Z"
INDEX = Path(__file__).resolve().parent / "static" / "storefront" / "index.html"
CONFIG_PLACE = "__CONFIG__"  # in the page


@require_safe
def page(request: HttpRequest, status: int = 200, **_: str) -> HttpResponse:
    """Return the page. Raises Http404 where the storefront is off."""
    if not settings.STOREFRONT:
        raise Http404("The storefront is off.")
    config = {
        "tokenUrl": settings.STOREFRONT_TOKEN_URL,
        "posterOrigins": settings.POSTER_ORIGINS,
        "staff": _is_for_staff(request),
    }
    response = HttpResponse(_index().replace(CONFIG_PLACE, escape(json.dumps(config))), status=status)
    response.headers["Content-Security-Policy"] = content_policy()
    response.headers["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Accept"])
    return response


@csrf_exempt  # a call of the API that names no operation is 404, whatever its method
def wrong_address(request: HttpRequest) -> HttpResponse:
    """Answer for an address that nothing else serves: to a browser with the page, which says so and leads on."""
    is_read = request.method in ("GET", "HEAD")
    if is_read and settings.STOREFRONT and request.get_preferred_type(["application/json", "text/html"]) == "text/html":
        return page(request, status=404)
    raise Http404("There is nothing at this address.")


def _is_for_staff(request: HttpRequest) -> bool:
    """Tell whether the page links to the admin: for staff, once they are logged in there; viewers have no use for it.

    On a system that is open on its own machine, as ./run starts it, whoever looks is its operator.
    """
    if settings.API_OPEN and not settings.PRODUCTION and not settings.BEHIND_PROXY:
        return True
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    try:
        return bool(getattr(request.user, "is_staff", False))
    except DatabaseError:
        return False


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
