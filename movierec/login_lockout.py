"""Lockout of failed logins to the admin: by which address they are counted, and the log line of a lockout."""

import logging
from ipaddress import ip_address
from typing import Any, cast

from axes.signals import user_locked_out
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

log = logging.getLogger(__name__)


def client_address(request: HttpRequest) -> str | None:
    """Return the client's IP address, the one that throttles count by.

    The proxy's address would let every client lock out all others.
    """
    address = BaseThrottle().get_ident(cast(Request, request))
    try:
        return str(ip_address(address))
    except ValueError:  # a proxy that writes more than an address
        return request.META.get("REMOTE_ADDR") or None


@receiver(user_locked_out)
def log_lockout(**_: Any) -> None:
    """Log a lockout, without the name and the address that it is for."""
    message = "Logins to the admin are closed for one name and address, for %s, after %d failures in a row."
    log.warning(message, settings.AXES_COOLOFF_TIME, settings.AXES_FAILURE_LIMIT)
