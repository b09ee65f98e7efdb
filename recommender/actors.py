"""Who acts: the sender of the request, the user at the command line, or the system by itself."""

import getpass
from contextvars import ContextVar
from typing import Any

from celery import current_task

MAX_LENGTH = 160  # characters
SYSTEM = "the system"

current_request: ContextVar[Any] = ContextVar("serving", default=None)  # that this thread answers


def actor() -> str:
    """Name who acts now: a member of staff, an API key by its prefix, a command's user, or the system."""
    request = current_request.get()
    if request is not None:
        return _sender(request)[:MAX_LENGTH]
    if current_task:
        return SYSTEM
    try:
        return f"{getpass.getuser()}, at the command line"[:MAX_LENGTH]
    except (KeyError, OSError):  # a container's user without a name
        return "the command line"


def _sender(request: Any) -> str:
    if prefix := getattr(request, "client", ""):
        return f"API key {prefix}"
    user = getattr(request, "user", None)
    return f"{user.get_username()}, in the admin" if user is not None and user.is_authenticated else "nobody with a key"
