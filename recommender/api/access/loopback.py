"""Tell whether a call comes from this very machine, and on nobody's behalf; in doubt it does not."""

from urllib.parse import urlsplit

from django.http.request import split_domain_port
from rest_framework.request import Request

from infrastructure.addresses import is_loopback

# Headers that clients send of their own accord. Proxies and delivery networks add headers by dozens of names, so any
# other is taken for a sign of one: a name that is missing here costs a caller a key, one too many opens every list.
_CLIENT_HEADER_NAMES = """
    HOST CONNECTION KEEP_ALIVE USER_AGENT COOKIE AUTHORIZATION EXPECT FROM DATE TE TRAILER RANGE PRAGMA CACHE_CONTROL
    ORIGIN REFERER DNT PRIORITY PURPOSE SAVE_DATA UPGRADE UPGRADE_INSECURE_REQUESTS HTTP2_SETTINGS
    DEVICE_MEMORY DPR VIEWPORT_WIDTH WIDTH DOWNLINK ECT RTT
    IDEMPOTENCY_KEY X_REQUEST_ID X_REQUESTED_WITH X_CSRFTOKEN TRACEPARENT TRACESTATE BAGGAGE POSTMAN_TOKEN
"""
CLIENT_HEADERS = frozenset(f"HTTP_{name}" for name in _CLIENT_HEADER_NAMES.split())
CLIENT_HEADER_PREFIXES = ("HTTP_ACCEPT", "HTTP_SEC_", "HTTP_IF_", "HTTP_CONTENT_")
PROXY_PROTOCOL = "HTTP/1.0"  # the default of nginx; clients have not used it for decades
PAGE_HEADERS = ("HTTP_ORIGIN", "HTTP_REFERER")  # the page that the call is made from
ORIGINAL_HOST = "movierec.asked_host"  # in META: the Host as it came, where anonymous_limits has set another one


def is_from_loopback(request: Request) -> bool:
    """Return whether the peer and the host name are loopback and no header tells of a proxy or another site's page."""
    meta = request.META
    if not is_loopback(meta.get("REMOTE_ADDR", "")) or meta.get("SERVER_PROTOCOL") == PROXY_PROTOCOL:
        return False
    if not is_loopback(split_domain_port(meta.get(ORIGINAL_HOST, meta.get("HTTP_HOST", "")))[0]):
        return False
    pages = [meta[name] for name in PAGE_HEADERS if name in meta]
    if not all(map(_is_loopback_url, pages)) or (meta.get("HTTP_SEC_FETCH_SITE") == "cross-site" and not pages):
        return False
    headers = (name for name in meta if name.startswith("HTTP_"))
    return all(name in CLIENT_HEADERS or name.startswith(CLIENT_HEADER_PREFIXES) for name in headers)


def _is_loopback_url(address: str) -> bool:
    try:
        return is_loopback(urlsplit(address).hostname or "")
    except ValueError:
        return False
