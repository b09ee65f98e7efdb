"""That logins to the admin failed until the door closed, without the name or the address that it closed for."""

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
    """Whom failed logins are counted for: the address that throttles count by, not the proxy's, else everybody could
    close the door for everybody."""
    told = BaseThrottle().get_ident(cast(Request, request))
    try:
        return str(ip_address(told))
    except ValueError:  # a proxy that writes more than an address
        return request.META.get("REMOTE_ADDR") or None


@receiver(user_locked_out)
def log_lockout(**_: Any) -> None:
    words = "Logins to the admin are closed for one name and address, for %s, after %d failures in a row."
    log.warning(words, settings.AXES_COOLOFF_TIME, settings.AXES_FAILURE_LIMIT)
