"""Age limits, countries and languages of viewers, and the certificates of the movies within a limit."""

from typing import NamedTuple

from django.conf import settings
from django.db import connection

from catalog.certificates import minimum_age
from catalog.keys import Key
from catalog.models import Viewer

# Each certificate that a movie has, by jumps through the index: movies are many, certificates few.
_ALL_CERTIFICATES = """
    WITH RECURSIVE each (name) AS (
        (SELECT certificate FROM catalog_movie ORDER BY certificate LIMIT 1)
        UNION ALL
        SELECT (SELECT certificate FROM catalog_movie WHERE certificate > each.name ORDER BY certificate LIMIT 1)
        FROM each WHERE each.name IS NOT NULL
    )
    SELECT name FROM each WHERE name IS NOT NULL"""


def strictest_age_limit(*limits: int | None) -> int | None:
    """Return the lowest of the age limits (years); None where there is none."""
    return min((limit for limit in limits if limit is not None), default=None)


def certificate_age(certificate: str) -> int:
    """Return the youngest age (years) that may watch; an unknown certificate counts as UNCERTIFIED_AGE says."""
    age = minimum_age(certificate, settings.CERTIFICATE_COUNTRY)
    return int(settings.UNCERTIFIED_AGE if age is None else age)


class Audience(NamedTuple):
    """For whom movies are read: of which age at most (years), in which country, in which language."""

    age_limit: int | None = None
    country: str = ""  # ISO 3166; "": not known
    language: str = ""  # BCP 47; "": not known


EVERYBODY = Audience()


def viewer_audience(viewer: Key) -> Audience:
    """Return a viewer's own limit, country and language; those of everybody for an unknown viewer."""
    viewers = Viewer.objects.filter(pk=viewer) if isinstance(viewer, int) else Viewer.objects.filter(key=viewer)
    row = viewers.values_list("age_limit", "country", "language").first()
    return Audience(*row) if row else EVERYBODY


def certificates_within(age_limit: int) -> list[str]:
    """Return the certificates, as movies have them, of all movies that a person of `age_limit` years may watch."""
    with connection.cursor() as cursor:
        cursor.execute(_ALL_CERTIFICATES)
        return [name for (name,) in cursor.fetchall() if certificate_age(name) <= age_limit]
