"""Settings that would serve wrong lists or run jobs twice are refused by name."""

import pytest
from django.core.checks import run_checks


def ids():
    return {message.id for message in run_checks() if message.id.startswith("recommender.")}


def test_the_settings_as_they_are_pass():
    assert not ids()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CACHES", {"lists": {"BACKEND": "django_redis.cache.RedisCache"}}, "recommender.E001"),
        ("LIST_LENGTH", 0, "recommender.E002"),
        ("LIST_TTL", 10**9, "recommender.E003"),
        ("CELERY_TASK_TIME_LIMIT", 10**6, "recommender.E004"),
    ],
)
def test_each_bad_setting_has_its_own_answer(settings, name, value, told):
    setattr(settings, name, settings.CACHES | value if name == "CACHES" else value)
    assert told in ids()


def test_a_file_in_the_place_of_the_model_store_is_told(settings, tmp_path):
    settings.MODEL_STORE = tmp_path / "models"
    settings.MODEL_STORE.touch()
    assert "recommender.W001" in ids()
