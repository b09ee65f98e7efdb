"""Where webhooks may go: https to public addresses, and others only where the operator allows it."""

import base64
import ipaddress
import secrets
import socket
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

SECRET_BYTES = 32
# Addresses of IPv6 that stand for others of IPv4, which a gateway on the way may be.
_TRANSLATED = list(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


class EndpointError(Exception):
    """A webhook cannot be delivered; says why, without what the endpoint answered."""


def make_secret() -> str:
    """Return a new secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def url_problem(url: str) -> str:
    """Say what is wrong with an endpoint's URL; "" for a good one. Its host is looked up when a message is sent."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - asked for its ValueError
    except ValueError:
        return "This is no URL."
    if parts.scheme not in ("https", "http") or not parts.hostname:
        return "Write a URL that begins with https://."
    if parts.username or parts.password:
        return "A URL with a name or a password is not kept: messages are signed."
    if parts.scheme == "http" and not settings.WEBHOOKS_TO_PRIVATE:
        return "Write https: http is for private addresses, which MOVIEREC_WEBHOOKS_TO_PRIVATE=1 allows."
    return ""


def resolve(parts: SplitResult) -> str:
    """Return the address to connect to, of those that the host has. Raises EndpointError.

    One lookup decides and is used, so that a name cannot be another address a moment later.
    """
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise EndpointError("its host is not found") from None
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    if not settings.WEBHOOKS_TO_PRIVATE and not all(map(is_public, addresses)):
        raise EndpointError("its host is a private address, which MOVIEREC_WEBHOOKS_TO_PRIVATE=1 would allow")
    if parts.scheme == "http" and any(map(is_public, addresses)):
        raise EndpointError("it is http to a public address: use https")
    return addresses[0]


def is_public(address: str) -> bool:
    """Return whether an address is of the internet, and of no network behind it."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif any(ip in network for network in _TRANSLATED):
            return False
    return ip.is_global and not ip.is_multicast
