"""Checks of calls and the wording of checks, by hand."""

import pytest

from recommender.monitoring.call_checks import check_calls, count_full_disk_refusals
from recommender.monitoring.checks import Check, Status, format_duration, worst_status
from recommender.monitoring.system_health import worst_first


def minutes_of(*, failed_in=(), failures=1):
    """Return the counters of an hour: 100 calls a minute, `failures` of which fail in the minutes of `failed_in`."""
    minutes = [{"call:lists": 100} for _ in range(60)]
    for minute in failed_in:
        minutes[minute] = {"call:lists": 100, "call_failed:lists": failures}
    return minutes


def test_without_failures_the_calls_are_well():
    check = check_calls(minutes_of())
    assert (check.status, check.value, check.remedy) == (Status.OK, "0 of 6,000", "")
    assert check.figures == {"lists_calls": 6_000.0}


def test_a_few_failures_are_named_and_are_well():
    check = check_calls(minutes_of(failed_in=[59]))
    assert (check.status, check.value) == (Status.OK, "1 of 6,000")
    assert check.detail == "Failed: lists 1 of 6,000."


def test_a_class_that_fails_now_is_red_and_one_that_failed_before_is_amber():
    assert check_calls(minutes_of(failed_in=range(30, 60), failures=5)).status == Status.FAIL
    assert check_calls(minutes_of(failed_in=range(30), failures=5)).status == Status.WARN


def test_without_redis_the_calls_are_unknown():
    assert check_calls([]).status == Status.UNKNOWN


def test_refusals_by_a_full_disk_are_those_of_the_last_ten_minutes():
    minutes = [{"code:disk_full": 1} for _ in range(60)]
    assert count_full_disk_refusals(minutes) == 10


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.5, "0 seconds"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "1 minute"),
        (7_200, "2 hours"),
        (86_400, "1 day"),
    ],
)
def test_a_duration_is_in_its_largest_unit(seconds, expected):
    assert format_duration(seconds) == expected


def test_checks_are_ordered_by_status():
    checks = [Check(status.value, "", status, "") for status in (Status.OK, Status.FAIL, Status.WARN, Status.UNKNOWN)]
    assert [check.name for check in worst_first(checks)] == ["fail", "unknown", "warn", "ok"]
    assert worst_status(checks) == Status.FAIL
    assert worst_status([]) == Status.OK
