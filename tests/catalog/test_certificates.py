"""Age certificates: ordered for each country, and nothing is guessed of one that is not known."""

import pytest
from django.conf import settings

from catalog.certificates import CERTIFICATES, accepted_spellings, minimum_age
from catalog.models import MAX_AGE_LIMIT, Movie


@pytest.mark.parametrize(
    ("certificate", "country", "age"),
    [
        ("R", "US", 17),
        ("pg13", "US", 13),
        ("TV-MA", "US", 17),
        ("GB:15", "US", 15),
        ("gb: 12a", "US", 12),
        ("R", "CA", 18),
        ("US:R", "CA", 17),
        ("ua 13+", "IN", 13),
        ("MA15+", "AU", 15),
        ("15", "US", None),
        ("", "US", None),
        (":", "US", None),
        ("XX:R", "US", None),
        ("US:", "US", None),
        ("Not Rated", "US", None),
    ],
)
def test_the_minimum_age(certificate, country, age):
    assert minimum_age(certificate, country) == age


@pytest.mark.parametrize("country", CERTIFICATES)
def test_each_country_is_in_order_and_every_spelling_is_its_own(country):
    ages = list(CERTIFICATES[country].values())
    assert max(ages) <= MAX_AGE_LIMIT
    assert ages == sorted(ages), country
    for name, age in CERTIFICATES[country].items():
        assert minimum_age(name, country) == minimum_age(f"{country}:{name}", "US") == age


def test_every_accepted_spelling_fits_the_column():
    longest = Movie._meta.get_field("certificate").max_length or 0

    assert all(len(name) <= longest for name in accepted_spellings(settings.CERTIFICATE_COUNTRY))
