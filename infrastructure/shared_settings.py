"""Settings that all machines must have alike: each connection to Postgres carries their digests in its name.

So every process sees what the others that work on this database have, those with another Redis too, and nothing has to
be stored or cleared.
"""

import logging
from collections.abc import Mapping
from hashlib import blake2b

from django.conf import settings
from django.db import DatabaseError, connection

_PREFIX, _DIGEST_SIZE = "movierec ", 2  # bytes: Postgres keeps 63 characters of a name

log = logging.getLogger(__name__)


def application_name(values: Mapping[str, object]) -> str:
    """Return the name that a connection carries: a digest of each value, none of which can be told from it."""
    return _PREFIX + "".join(_digest(name, value) for name, value in values.items())


def _digest(name: str, value: object) -> str:
    return blake2b(f"{name}={value}".encode(), digest_size=_DIGEST_SIZE).hexdigest()


def find_differences() -> dict[str, list[str]]:
    """Return setting -> the addresses, as Postgres has them, from which processes with another value are connected.

    Raises DatabaseError. Processes of another version, which compares other settings, are left out.
    """
    own = application_name(settings.SHARED_SETTINGS)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT application_name, coalesce(host(client_addr), 'the machine of Postgres')
               FROM pg_stat_activity WHERE datname = current_database() AND length(application_name) = %s
               AND starts_with(application_name, %s) AND application_name <> %s""",
            [len(own), _PREFIX, own],
        )
        others = cursor.fetchall()
    differences: dict[str, list[str]] = {}
    width = 2 * _DIGEST_SIZE
    for number, name in enumerate(settings.SHARED_SETTINGS):
        part = slice(len(_PREFIX) + number * width, len(_PREFIX) + (number + 1) * width)
        if addresses := sorted({address for other, address in others if other[part] != own[part]}):
            differences[name] = addresses
    return differences


def describe_differences(differences: Mapping[str, list[str]]) -> str:
    """Say in words which settings differ, and where from."""
    return "; ".join(f"{name} is another one at {', '.join(where)}" for name, where in differences.items())


def log_differences() -> None:
    """Log the settings that differ, as a process starts."""
    try:
        differences = find_differences()
    except DatabaseError as error:
        log.info("Settings of other machines are not known: %s", " ".join(str(error).split()))
        return
    finally:
        connection.close()
    if differences:
        log.warning("Settings differ between machines: %s", describe_differences(differences))
