"""From validated values to what serving is asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework.exceptions import ValidationError

from catalog.api.strict import MAX_UNKNOWN_NAMES, unknown_name_message
from catalog.limits import parse_id
from catalog.selectors import strictest_age_limit
from recommender.api.list_requests import EVENT_SERIALIZER, MAX_EVENTS
from recommender.ingest.events import ClientEvent
from recommender.movies.movie_ids import parse_movie_ids
from recommender.serving.current_versions import load_movie_ids
from recommender.serving.request import FILTER_NAMES, Filters, RecommendRequest


def to_request(values: Mapping[str, Any], **more: Any) -> RecommendRequest:
    return RecommendRequest(
        viewer_id=values.get("user_id"),
        viewer_ids=values.get("user_ids", ()),
        history=parse_movie_ids(values.get("history", ())),
        history_texts=values.get("history", ()),
        top_k=values["top_k"],
        exclude=parse_movie_ids(values["exclude"]),
        liked_genres=values.get("liked_genres", ()),
        age_limit=effective_age_limit(values),
        requested_at=_unix_seconds(values.get("at")),
        titles=values.get("titles", False),
        explain=values.get("explain", False),
        diversity=values.get("diversity", 0.0),
        **more,
    )


def to_filtered_request(values: Mapping[str, Any]) -> RecommendRequest:
    return to_request({**values, "titles": True}, final_k=values["final_k"], filters=to_filters(values))


def to_filters(values: Mapping[str, Any]) -> Filters:
    return Filters(**{name: values[name] for name in FILTER_NAMES if name in values})


def effective_age_limit(values: Mapping[str, Any]) -> int | None:
    """Years; the stricter where an age and a certificate are given."""
    return strictest_age_limit(values.get("age_limit"), values.get("certificate"))


SHARED_FIELDS = (
    "top_k",
    "explain",
    "exclude",
    "at",
    "age_limit",
    "certificate",
    "diversity",
)  # by all viewers of a batch


def to_batch_requests(values: Mapping[str, Any]) -> tuple[dict[str, RecommendRequest], list[str]]:
    """A query for each key that is a viewer id, and the keys that are none."""
    histories = values["user_histories"]
    failed = [key for key in histories if not parse_id(key)]
    shared = {name: values[name] for name in SHARED_FIELDS if name in values}
    asked = {key: {**shared, "user_id": parse_id(key), "history": films} for key, films in histories.items()}
    return {key: to_request(asked[key]) for key in histories if parse_id(key)}, failed


def batch_job_parameters(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A batch job's parameters, as JSON, and the keys that are no viewer's id. Films that no catalogue can have are
    left out."""
    histories = values.get("user_histories")
    if histories is None:
        return {name: values[name] for name in ("top_k", "active_days") if name in values}, []
    usable = {
        key: [str(movie) for movie in load_movie_ids(parse_movie_ids(films)) if movie]
        for key, films in histories.items()
        if parse_id(key)
    }
    failed = [key for key in histories if not parse_id(key)]
    return {"top_k": values["top_k"], "user_histories": usable}, failed


def _unix_seconds(moment: datetime | None) -> int | None:
    return None if moment is None else max(0, int(moment.timestamp()))


def to_client_events(body: Any) -> list[ClientEvent | str]:
    """The events of a body: one object, a list, or {"events": list}; what is wrong in place of one that cannot be read.

    Raises ValidationError where there is nothing to judge one by one.
    """
    if isinstance(body, dict) and "events" not in body:
        return _client_events([EVENT_SERIALIZER.run_validation(body)])
    if isinstance(body, dict) and len(body) > 1:
        strange = [name for name in body if name != "events"][:MAX_UNKNOWN_NAMES]
        raise ValidationError({name: unknown_name_message(name, ["events"]) for name in strange})
    events = body["events"] if isinstance(body, dict) else body
    if not isinstance(events, list) or not all(isinstance(one, dict) for one in events):
        raise ValidationError("Send one event as an object, or a list of them, or that list under events.")
    if not 0 < len(events) <= MAX_EVENTS:
        raise ValidationError(f"Holds {len(events)} events; send 1 to {MAX_EVENTS}.")
    return _client_events([_validate_event(one) for one in events])


def _validate_event(event: dict[str, Any]) -> dict[str, Any] | str:
    try:
        return dict(EVENT_SERIALIZER.run_validation(event))
    except ValidationError as error:
        detail = error.detail if isinstance(error.detail, dict) else {}
        return "; ".join(f"{name}: {' '.join(map(str, words))}" for name, words in detail.items())


_EVENT_FIELDS_RENAMED = ("user_id", "session", "movie_id", "occurred_at")


def _client_events(judged: Sequence[Mapping[str, Any] | str]) -> list[ClientEvent | str]:
    now = timezone.now()
    films = iter(load_movie_ids(parse_movie_ids([one["movie_id"] for one in judged if not isinstance(one, str)])))
    return [
        one
        if isinstance(one, str)
        else ClientEvent(
            viewer_id=one["user_id"],
            is_session=one.get("session", False),
            movie_id=next(films),
            occurred_at=one.get("occurred_at", now),
            has_timestamp="occurred_at" in one,
            **{name: value for name, value in one.items() if name not in _EVENT_FIELDS_RENAMED},
        )
        for one in judged
    ]
