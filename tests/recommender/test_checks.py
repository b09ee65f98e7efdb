"""Settings that would serve wrong lists, fail at every call or run jobs twice are refused by name."""

import pytest
from django.core.checks import run_checks
from django.core.management.base import SystemCheckError

from movierec import gunicorn


def ids():
    return {message.id for message in run_checks() if message.id.startswith("recommender.")}


def test_the_settings_as_they_are_pass():
    assert not ids()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CACHES", {"lists": {"BACKEND": "django_redis.cache.RedisCache"}}, "recommender.E001"),
        ("LIST_LENGTH", 0, "recommender.E002"),
        ("LIST_TTL", 10**9, "recommender.E003"),
        ("CELERY_TASK_TIME_LIMIT", 10**6, "recommender.E004"),
        ("TRAINING_EVENTS_PER_VIEWER", 3, "recommender.E008"),
        ("TRAINING_EVENTS_PER_VIEWER", -1, "recommender.E008"),
        ("TRAINING_ACTIVE_DAYS", -1, "recommender.E009"),
    ],
)
def test_each_invalid_setting_has_its_own_message(settings, name, value, message):
    setattr(settings, name, settings.CACHES | value if name == "CACHES" else value)
    assert message in ids()


def test_a_file_in_place_of_the_model_store_is_reported(settings, tmp_path):
    settings.MODEL_STORE = tmp_path / "models"
    settings.MODEL_STORE.touch()
    assert "recommender.W001" in ids()


@pytest.mark.parametrize(
    "rate", ["", "abc", "300000/2min", "1_0/min", "-5/min", "0/min", "5/month", "5 / min", "5/min\n"]
)
def test_an_invalid_rate_is_reported_by_name(settings, rate):
    rates = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] | {"refused_keys": rate}
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": rates}

    with pytest.raises(SystemCheckError) as refused:
        gunicorn.on_starting(None)

    assert f"MOVIEREC_RATE_REFUSED_KEYS={rate} is no rate" in str(refused.value)
    assert "600/min" in str(refused.value)


@pytest.mark.parametrize("rate", ["5/s", "60/min", "60/minute", "2/hour", "1/d"])
def test_a_valid_rate_passes(settings, rate):
    rates = dict.fromkeys(settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], rate)
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_THROTTLE_RATES": rates}
    assert not ids()
