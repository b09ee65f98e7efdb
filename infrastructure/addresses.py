"""Where the API listens, and where its servers are said to be."""

import errno
import ipaddress
import os
import socket
import time
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from movierec.local.server_paths import SetupError


class Address(NamedTuple):
    host: str
    port: int

    @property
    def url(self) -> str:
        """To reach it from this machine."""
        return f"http://{url_host(WILDCARDS.get(self.host, self.host))}:{self.port}"


URL_SCHEMES = {"DATABASE_URL": ("postgres", "postgresql"), "REDIS_URL": ("redis", "rediss", "unix")}
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # every address -> the loopback one among them


def url_host(host: str) -> str:
    """The host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def bind_host() -> str:
    """The host of MOVIEREC_BIND, with or without the brackets of a URL there."""
    return (os.environ.get("MOVIEREC_BIND") or "127.0.0.1").removeprefix("[").removesuffix("]")


def configured_address() -> Address:
    """From MOVIEREC_BIND and PORT. Raises ServerError for a port that is none."""
    text = os.environ.get("PORT") or "8000"
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise SetupError(f"PORT={text} is no port: set a number from 1 to 65535.")
    return Address(bind_host(), int(text))


def wait_until_free(address: Address, timeout: float) -> None:
    """Raises ServerError when somebody else listens there, after waiting so long: it may be our own past, ending."""
    until = time.monotonic() + timeout
    while True:
        try:
            # As gunicorn chooses it: a name stands for its IPv4 address.
            family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                return
        except socket.gaierror as error:
            raise SetupError(
                f"MOVIEREC_BIND={address.host} is no address of this machine: {error.strerror}."
            ) from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SetupError(f"Cannot listen on {address.host}:{address.port}: {error.strerror}.") from error
            if time.monotonic() > until:
                words = f"Port {address.port} is taken by another program"
                raise SetupError(f"{words}: choose one with PORT=8001 ./run") from error
        time.sleep(0.2)


def url_problem(name: str, url: str) -> str:
    """Why the URL of a server, as the variable `name` has it, cannot be one; "" where it can. It has a password, so it
    is not repeated."""
    schemes = URL_SCHEMES[name]
    try:
        urlsplit(url).port  # noqa: B018 - asked for its ValueError
        known = urlsplit(url).scheme in schemes
    except ValueError:
        known = False
    if known:
        return ""
    beginning = " or ".join(f"{one}:" for one in schemes)
    return (
        f"{name} is no URL that begins with {beginning} and has a number as its port, if any. In a "
        "password write %40 for @, %2F for /, %3A for : and %23 for #."
    )


def check_environment() -> None:
    """Raises ServerError for what of the environment would stop the start only after all else was made ready."""
    for name in ("MOVIEREC_WEB_WORKERS", "MOVIEREC_WEB_THREADS"):
        text = os.environ.get(name) or "1"
        if not (text.isascii() and text.isdigit() and int(text)):
            raise SetupError(f"{name}={text} cannot be: set a whole number from 1, or leave it out.")
    for name in URL_SCHEMES:
        if problem := (url := os.environ.get(name, "")) and url_problem(name, url):
            raise SetupError(problem)


def exposure_reason(bind: str, hosts: Iterable[str], origins: Iterable[str], behind_proxy: bool) -> str:
    """What says that others than this machine reach the site, as `MOVIEREC_X=value`; "" where nothing does."""
    if not is_loopback(bind):
        return f"MOVIEREC_BIND={bind}"
    if public := [host for host in hosts if not is_loopback(host)]:
        return f"MOVIEREC_ALLOWED_HOSTS={','.join(public)}"
    if public := [one for one in origins if not is_loopback(urlsplit(one).hostname or one)]:
        return f"MOVIEREC_TRUSTED_ORIGINS={','.join(public)}"
    return "MOVIEREC_BEHIND_PROXY=1" if behind_proxy else ""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
