"""System checks of settings that would serve wrong lists, fail at every call or run jobs twice."""

import re
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from catalog.models import WatchEvent
from recommender.cache import VERSION_TTL
from recommender.models import Impression
from recommender.registry import object_store

MAX_LIST_LENGTH = 1_000  # movies: a longer list costs more memory than asking the model
MIN_TRAINING_EVENTS = 10  # of a viewer: some to read, some to predict, some held out
# Stricter than its reader, which takes 5/month for five a minute.
RATE = re.compile(r"[1-9][0-9]*/(s|sec|second|m|min|minute|h|hour|d|day)")


@register()
def check_list_serializer(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the list cache stores bytes, and pickles nothing."""
    lists: Any = settings.CACHES.get("lists", {})
    serializer = lists.get("OPTIONS", {}).get("SERIALIZER")
    if serializer == "recommender.cache.BytesSerializer":
        return []
    hint = 'Set OPTIONS["SERIALIZER"] of CACHES["lists"] to "recommender.cache.BytesSerializer".'
    return [Error(f"The cache of lists would be written by {serializer}.", hint=hint, id="recommender.E001")]


@register()
def check_list_length(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that lists are neither empty nor longer than is worth storing."""
    if not 1 <= settings.LIST_LENGTH <= MAX_LIST_LENGTH:
        message = f"LIST_LENGTH is {settings.LIST_LENGTH}; it must lie between 1 and {MAX_LIST_LENGTH}."
        return [Error(message, id="recommender.E002")]
    return []


@register()
def check_list_ttl(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that lists expire before the versions that they are judged by."""
    if 0 < settings.LIST_TTL < VERSION_TTL:
        return []
    message = f"LIST_TTL is {settings.LIST_TTL} s; it must lie between 0 and {VERSION_TTL} s, the life of the versions."
    return [Error(message, id="recommender.E003")]


@register()
def check_task_time_limit(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that no task is delivered again while it may still run."""
    visible_after = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout", 3600)
    if visible_after > settings.CELERY_TASK_TIME_LIMIT:
        return []
    message = f"A task may run {settings.CELERY_TASK_TIME_LIMIT} s but is delivered again after {visible_after} s."
    hint = 'Raise CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] above CELERY_TASK_TIME_LIMIT.'
    return [Error(message, hint=hint, id="recommender.E004")]


@register()
def check_model_store_url(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that a store of that URL can be used at all."""
    if object_store.is_configured() and (problem := object_store.configuration_error(settings.MODELS_URL)):
        return [Error(f"MOVIEREC_MODELS_URL={settings.MODELS_URL}: {problem}.", id="recommender.E005")]
    return []


@register()
def check_model_store_folder(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that models can be kept on this machine."""
    store = settings.MODEL_STORE
    if store.exists() and not store.is_dir():
        return [Warning(f"MODEL_STORE {store} is no folder: no model can be kept.", id="recommender.W001")]
    return []


@register(Tags.security)
def check_throttle_rates(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check the API's rates, before a web process starts: every call that is counted would fail."""
    rates: Any = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    hint = "A rate is a number of calls and a unit of time, s, min, hour or day: 600/min."
    return [
        Error(f"MOVIEREC_RATE_{scope.upper()}={rate} is no rate.", hint=hint, id="recommender.E006")
        for scope, rate in rates.items()
        if not RATE.fullmatch(rate)
    ]


@register()
def check_track_events(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the site's own names of tracked events mean kinds that there are."""
    meanings = [*WatchEvent.Kind.labels, *Impression.Kind.labels, "off_watchlist"]
    if not isinstance(settings.TRACK_EVENTS, dict):
        return [Error("MOVIEREC_TRACK_EVENTS is no JSON object of names and kinds.", id="recommender.E007")]
    wrong = [name for name, meaning in settings.TRACK_EVENTS.items() if meaning not in meanings]
    if not wrong:
        return []
    message = f"MOVIEREC_TRACK_EVENTS gives {', '.join(wrong[:5])} a meaning that there is not."
    return [Error(message, hint=f"A name means one of {', '.join(meanings)}.", id="recommender.E007")]


@register()
def check_training_share(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that a bounded history is long enough to train on."""
    messages = list[CheckMessage]()
    events, days = settings.TRAINING_EVENTS_PER_VIEWER, settings.TRAINING_ACTIVE_DAYS
    if events and events < MIN_TRAINING_EVENTS:
        bounds = f"it must be 0, for all events, or at least {MIN_TRAINING_EVENTS}"
        messages.append(Error(f"MOVIEREC_TRAINING_EVENTS_PER_VIEWER is {events}; {bounds}.", id="recommender.E008"))
    if days < 0:
        bounds = "it must be 0, for all viewers, or a number of days"
        messages.append(Error(f"MOVIEREC_TRAINING_ACTIVE_DAYS is {days}; {bounds}.", id="recommender.E009"))
    return messages
