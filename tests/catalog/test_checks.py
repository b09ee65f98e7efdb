"""Settings under which age limits would not hold are refused by name."""

import pytest
from django.core.checks import run_checks


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("CERTIFICATE_COUNTRY", "XX", "catalog.E001"), ("UNCERTIFIED_AGE", 99, "catalog.E002")],
)
def test_each_bad_setting_has_its_own_answer(settings, name, value, told):
    assert told not in {message.id for message in run_checks()}
    setattr(settings, name, value)
    assert told in {message.id for message in run_checks()}
