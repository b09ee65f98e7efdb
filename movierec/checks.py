"""System checks of the project's settings and servers."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.management.base import CommandError
from django.db import DatabaseError, connection

from infrastructure.addresses import exposure_reason
from infrastructure.server_wait import wait_for_redis
from infrastructure.shared_settings import describe_differences, find_differences


@register(Tags.security)
def check_open_api(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse reads without a key where others than this machine reach the site, and in production."""
    if settings.API_OPEN and settings.PRODUCTION:
        return [Error("MOVIEREC_API_OPEN=1 and MOVIEREC_PRODUCTION=1 exclude each other.", id="movierec.E001")]
    exposure = settings.BIND, settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS, settings.BEHIND_PROXY
    if settings.API_OPEN and (reason := exposure_reason(*exposure)):
        message = f"MOVIEREC_API_OPEN=1 serves reads without a key, but {reason} says that others reach this site."
        return [Error(message, hint="Unset MOVIEREC_API_OPEN; clients read with a key.", id="movierec.E002")]
    return []


@register(Tags.security)
def check_debug(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse Django's debug pages in production."""
    if settings.DEBUG and settings.PRODUCTION:
        return [Error("MOVIEREC_DEBUG=1 and MOVIEREC_PRODUCTION=1 exclude each other.", id="movierec.E003")]
    return []


@register("servers", deploy=True)
def check_servers(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check, with `--deploy`, that Postgres and Redis answer, and that all machines have what must be alike."""
    problems: list[CheckMessage] = []
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        message = f"Postgres does not answer: {' '.join(str(error).split())}"
        problems.append(Error(message, hint="DATABASE_URL says where it is.", id="movierec.E004"))
    else:
        if differences := find_differences():
            message = f"Settings differ between machines: {describe_differences(differences)}."
            problems.append(Warning(message, hint="Set them alike and restart.", id="movierec.W001"))
    try:
        wait_for_redis(lambda line: None, timeout=0)
    except CommandError as error:
        problems.append(Error(str(error), id="movierec.E005"))
    return problems
