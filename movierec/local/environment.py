"""Check, and complete, the environment variables that a start depends on."""

import os
from collections.abc import Callable

from infrastructure.addresses import URL_SCHEMES, configured_address, exposure_reason, url_problem
from infrastructure.errors import SetupError


def check_environment() -> None:
    """Raise SetupError for a variable that would stop the start only after everything else was made ready."""
    for name in ("MOVIEREC_WEB_WORKERS", "MOVIEREC_WEB_THREADS"):
        value = os.environ.get(name) or "1"
        if not (value.isascii() and value.isdigit() and int(value)):
            raise SetupError(f"{name}={value} cannot be: set a whole number from 1, or leave it out.")
    for name in URL_SCHEMES:
        if problem := (url := os.environ.get(name, "")) and url_problem(name, url):
            raise SetupError(problem)


def set_open_api(say: Callable[[str], None]) -> None:
    """Set MOVIEREC_API_OPEN, unless the operator did: reads need no key where only this machine reaches the site."""
    if "MOVIEREC_API_OPEN" in os.environ:
        return
    import environ  # a package: this module is also imported before packages are installed

    env = environ.Env()
    hosts, origins = (env.list(f"MOVIEREC_{name}", default=[]) for name in ("ALLOWED_HOSTS", "TRUSTED_ORIGINS"))
    behind_proxy = env.bool("MOVIEREC_BEHIND_PROXY", default=False)
    reason = exposure_reason(configured_address().host, hosts, origins, behind_proxy)
    production = env.bool("MOVIEREC_PRODUCTION", default=False)
    if reason and not production:
        say(f"reads need a key, as {reason} says that others reach this site")
    os.environ["MOVIEREC_API_OPEN"] = "0" if reason or production else "1"
