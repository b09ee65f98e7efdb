"""Addresses: where the API listens, where its servers are, and whether others than this machine reach it.

Standard library alone: the launcher uses it before any package is installed.
"""

import errno
import ipaddress
import os
import socket
import time
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from infrastructure.errors import SetupError
from infrastructure.redis_address import CLUSTER_SCHEME, SENTINEL_SCHEME, RedisAddress


class Address(NamedTuple):
    """A host and a port to listen on."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Return the URL by which this machine reaches it."""
        return f"http://{url_host(WILDCARDS.get(self.host, self.host))}:{self.port}"


_POSTGRES_SCHEMES, _REDIS_SCHEMES = ("postgres", "postgresql"), ("redis", "rediss", "unix", SENTINEL_SCHEME)
URL_SCHEMES = {
    "DATABASE_URL": _POSTGRES_SCHEMES,
    "DATABASE_POOLED_URL": _POSTGRES_SCHEMES,
    "DATABASE_REPLICA_URL": _POSTGRES_SCHEMES,
    "REDIS_URL": _REDIS_SCHEMES,
    "MOVIEREC_BROKER_URL": _REDIS_SCHEMES,
    "MOVIEREC_LISTS_URL": (*_REDIS_SCHEMES, CLUSTER_SCHEME),  # Celery has no cluster, and counters need none
    "MOVIEREC_COUNTERS_URL": _REDIS_SCHEMES,
}
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # every address -> the loopback one among them


def url_host(host: str) -> str:
    """Return the host as a URL spells it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def bind_host() -> str:
    """Return the host of MOVIEREC_BIND without the brackets that a URL has."""
    return (os.environ.get("MOVIEREC_BIND") or "127.0.0.1").removeprefix("[").removesuffix("]")


def configured_address() -> Address:
    """Return the address of MOVIEREC_BIND and PORT. Raises SetupError for a port that is none."""
    port = os.environ.get("PORT") or "8000"
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise SetupError(f"PORT={port} is no port: set a number from 1 to 65535.")
    return Address(bind_host(), int(port))


def wait_until_free(address: Address, timeout: float) -> None:
    """Wait until nothing listens on the address, as a former start of our own may still be ending.

    Raises SetupError after `timeout` seconds, and at once for an address that this machine does not have.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            # As gunicorn chooses it: a name stands for its IPv4 address.
            family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                return
        except socket.gaierror as error:
            message = f"MOVIEREC_BIND={address.host} is no address of this machine: {error.strerror}."
            raise SetupError(message) from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SetupError(f"Cannot listen on {address.host}:{address.port}: {error.strerror}.") from error
            if time.monotonic() > deadline:
                message = f"Port {address.port} is taken by another program: choose one with PORT=8001 ./run"
                raise SetupError(message) from error
        time.sleep(0.2)


def url_problem(variable: str, url: str) -> str:
    """Say what is wrong with a server's URL in an environment variable; "" for a good one.

    The URL itself is not repeated, as it may hold a password.
    """
    schemes = URL_SCHEMES[variable]
    try:
        is_valid = urlsplit(url).scheme in schemes
        if urlsplit(url).scheme not in (SENTINEL_SCHEME, CLUSTER_SCHEME):
            urlsplit(url).port  # noqa: B018 - asked for its ValueError
    except ValueError:
        is_valid = False
    if is_valid:
        return _redis_problem(variable, url) if schemes is not _POSTGRES_SCHEMES else ""
    beginning = " or ".join(f"{scheme}:" for scheme in schemes)
    return (
        f"{variable} is no URL that begins with {beginning} and has a number as its port, if any. In a "
        "password write %40 for @, %2F for /, %3A for : and %23 for #."
    )


def _redis_problem(variable: str, url: str) -> str:
    try:
        RedisAddress.parse(url)
    except ValueError as problem:
        return f"{variable} {problem}"
    return ""


def exposure_reason(bind: str, hosts: Iterable[str], origins: Iterable[str], behind_proxy: bool) -> str:
    """Return the setting, as `MOVIEREC_X=value`, by which others than this machine reach the site; "" if none does."""
    if not is_loopback(bind):
        return f"MOVIEREC_BIND={bind}"
    if public := [host for host in hosts if not is_loopback(host)]:
        return f"MOVIEREC_ALLOWED_HOSTS={','.join(public)}"
    if public := [origin for origin in origins if not is_loopback(urlsplit(origin).hostname or origin)]:
        return f"MOVIEREC_TRUSTED_ORIGINS={','.join(public)}"
    return "MOVIEREC_BEHIND_PROXY=1" if behind_proxy else ""


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches the host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
