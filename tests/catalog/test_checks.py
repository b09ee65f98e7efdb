"""Settings under which age limits would not hold are refused by name."""

import pytest
from django.core.checks import run_checks


@pytest.mark.parametrize(
    ("name", "value", "check_id"),
    [
        ("CERTIFICATE_COUNTRY", "XX", "catalog.E001"),
        ("UNCERTIFIED_AGE", 99, "catalog.E002"),
        ("COUNTRY", "UK", "catalog.E004"),
        ("TITLE_LANGUAGE", "english please", "catalog.E005"),
    ],
)
def test_each_bad_setting_is_reported_by_its_own_check(settings, name, value, check_id):
    assert check_id not in {message.id for message in run_checks()}
    setattr(settings, name, value)
    assert check_id in {message.id for message in run_checks()}
