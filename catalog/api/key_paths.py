"""Keys in paths: `/users/<key:user_id>/data`. A key is percent-encoded there, a slash in it as %2F.

WSGI hands a path on decoded, so that a slash of a key and one between two parts of the address look alike. The
middleware reads the address as it came, where the server tells it (RAW_URI of gunicorn), and leaves `%2F` and `%25` in
`path_info` encoded; the converter decodes these. Without RAW_URI, as in Django's test client, a key has no slash.
"""

from collections.abc import Callable
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from django.http import HttpRequest, HttpResponse
from django.urls import register_converter
from django.utils.encoding import repercent_broken_unicode

from infrastructure.body_limits import ADMIN_ROOT

UNCHANGED_IN_PATHS = "/%:@&+$,-_.!~*'()"  # what Django leaves as it is, and the escapes that stand in a path


class KeyConverter:
    """A part of a path that is a key, decoded. What it decodes to is not judged here."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Return the text. Raises ValueError, which is no match, where it is no UTF-8."""
        return unquote(value, errors="strict")

    def to_url(self, value: object) -> str:
        """Return the text as a part of a path."""
        return quote(str(value), safe="")


register_converter(KeyConverter, "key")


class KeyPathMiddleware:
    """Leave encoded in a request's path what would change its meaning. The admin escapes its ids by itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        raw = request.META.get("RAW_URI", "")
        if ("%" in raw or "%" in request.path_info) and not request.path_info.startswith(ADMIN_ROOT):
            request.path_info = request.path = encoded_path(request.path_info, raw)
        return self.get_response(request)


def encoded_path(path: str, raw_uri: str) -> str:
    """Return a decoded path with `%` and the slashes of keys encoded. `raw_uri`: the address as it came, if known."""
    raw = raw_uri.partition("?")[0] if raw_uri.startswith("/") else urlsplit(raw_uri).path
    if _decode(raw) != path:  # the server tells nothing, or stands under a prefix
        return path.replace("%", "%25")
    return _decode(raw.replace("%25", "%2525").replace("%2F", "%252F").replace("%2f", "%252F"))


def _decode(raw: str) -> str:
    """Decode a path as Django does."""
    return repercent_broken_unicode(unquote_to_bytes(raw.encode("latin-1", "replace"))).decode()


def address_of(request: HttpRequest) -> str:
    """Return the whole address of a request, keys in its path encoded as they came."""
    query = request.META.get("QUERY_STRING", "")
    path = quote(request.path, safe=UNCHANGED_IN_PATHS)
    return str(request.build_absolute_uri(f"{path}?{query}" if query else path))
