"""Messages in Segment's form, and what each of them means here: an event, a profile, a merge, or nothing."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from catalog.keys import VIEWER_KEY_RULE
from catalog.models import MAX_AGE_LIMIT
from catalog.validators import COUNTRY_PATTERN, LANGUAGE_PATTERN
from recommender import process_state
from recommender.api.fields import MAX_LANGUAGE_LENGTH, NamedViewer, named_viewer
from recommender.ingest.events import KINDS

OFF_WATCHLIST = "off_watchlist"  # what a name may mean beside the kinds of events
TYPES = ("track", "identify", "alias", "group", "page", "screen")
# Names that the specifications of Segment have for the film, the first that is there counts.
_MOVIE_NAMES = ("movie_id", "movieId", "film_id", "filmId", "content_asset_id", "product_id", "productId", "sku")
_OPTIONAL = ("rating", "completion", "recommendation_id")
_VIDEO_KINDS = ("watch", "progress", "rewatch")  # whose `position` is seconds, and no place in a list


class Action(StrEnum):
    """What a message asks for."""

    EVENT = "event"
    OFF_WATCHLIST = "off_watchlist"
    PROFILE = "profile"
    MERGE = "merge"
    NOTHING = "nothing"


class MessageError(ValueError):
    """A message cannot be read; says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a message asks for. `reason` says why it is nothing."""

    action: Action
    viewer: NamedViewer | None = None
    is_session: bool = False  # whether the viewer is named by anonymousId alone
    event: Mapping[str, Any] = field(default_factory=dict)  # as POST /events takes it
    profile: Mapping[str, Any] = field(default_factory=dict)  # fields of write_profile
    merged: NamedViewer | None = None  # the session that becomes a part of `viewer`
    reason: str = ""


_event_names: dict[str, str] = {}
process_state.register("API: names of tracked events", _event_names.clear)


def event_meanings() -> dict[str, str]:
    """Return what each tracked name means, by its letters and digits: our table and the operator's, which wins."""
    if not _event_names:
        table = json.loads((Path(__file__).parent / "track_events.json").read_text())
        table |= {kind: kind for kind in (*KINDS, OFF_WATCHLIST)} | settings.TRACK_EVENTS
        _event_names.update({_plain(name): meaning for name, meaning in table.items()})
    return _event_names


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def read_message(message: Mapping[str, Any], default_type: str = "") -> list[Step]:
    """Return what a message asks for, in order. Raises MessageError."""
    kind = message.get("type", default_type)
    if kind not in TYPES:
        raise MessageError(f"type: is none of {', '.join(TYPES)}.")
    named, anonymous = (_viewer(message, name) for name in ("userId", "anonymousId"))
    viewer = named or anonymous
    if kind in ("page", "screen"):
        return [Step(Action.NOTHING, reason=f"A {kind} says nothing of a film.")]
    if viewer is None:
        raise MessageError("userId: is needed, or anonymousId.")
    if kind == "track":
        return [_track(message, viewer, is_session=named is None)]
    if kind == "alias":
        previous = _viewer(message, "previousId")
        if named is None or previous is None:
            raise MessageError(f"{'userId' if named is None else 'previousId'}: is needed for alias.")
        return [_merge(previous, named)]
    if kind == "group":
        group = _viewer(message, "groupId")
        if group is None or named is None:
            raise MessageError(f"{'userId' if named is None else 'groupId'}: is needed for group.")
        return [Step(Action.PROFILE, viewer, profile={"account": str(group.key)})]
    steps = [_merge(anonymous, named)] if named is not None and anonymous is not None else []
    if profile := read_traits(message):
        steps.append(Step(Action.PROFILE, viewer, is_session=named is None, profile=profile))
    return steps or [Step(Action.NOTHING, reason="It has no trait that is kept here: age, language, country.")]


def _merge(session: NamedViewer, viewer: NamedViewer) -> Step:
    if session.key == viewer.key:
        return Step(Action.NOTHING, reason="Both ids are one viewer.")
    return Step(Action.MERGE, viewer, merged=session)


def _viewer(message: Mapping[str, Any], name: str) -> NamedViewer | None:
    value = message.get(name)
    if value is None or value == "":
        return None
    viewer = named_viewer(value)
    if viewer is None:
        raise MessageError(f"{name}: {VIEWER_KEY_RULE}")
    return viewer


def _object(message: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = message.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise MessageError(f"{name}: must be an object.")
    return value or {}


def _track(message: Mapping[str, Any], viewer: NamedViewer, *, is_session: bool) -> Step:
    name = message.get("event")
    if not isinstance(name, str) or not name:
        raise MessageError("event: is needed for track.")
    meaning = event_meanings().get(_plain(name))
    if meaning is None:
        return Step(Action.NOTHING, reason="No event of this name is known: MOVIEREC_TRACK_EVENTS adds names.")
    properties = _object(message, "properties")
    movie = next((properties[key] for key in _MOVIE_NAMES if properties.get(key) not in (None, "")), None)
    if movie is None:
        raise MessageError("properties.movie_id: is needed.")
    event: dict[str, Any] = {"user_id": viewer.sent, "movie_id": movie, "kind": meaning, "session": is_session}
    if meaning == OFF_WATCHLIST:
        return Step(Action.OFF_WATCHLIST, viewer, event=event)
    event |= {key: properties[key] for key in _OPTIONAL if properties.get(key) is not None}
    if meaning in _VIDEO_KINDS:
        share = _watched_share(properties)
        event |= {} if share is None or "completion" in event else {"completion": share}
        if meaning == "progress" and "completion" not in event:
            return Step(
                Action.NOTHING, reason="It does not say how much was watched: completion, or position and total_length."
            )
    elif properties.get("position") is not None:
        event["position"] = properties["position"]
    if message.get("messageId") is not None:
        event["event_id"] = message["messageId"]
    moment = next((message[key] for key in ("timestamp", "originalTimestamp") if message.get(key) is not None), None)
    if moment is not None and not _is_ahead(moment):
        event["occurred_at"] = moment
    return Step(Action.EVENT, viewer, is_session=is_session, event=event)


def _watched_share(properties: Mapping[str, Any]) -> float | None:
    """Return the share of the film up to `position` (seconds) of `total_length`; None where one is not there."""
    position, length = properties.get("position"), properties.get("total_length")
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in (position, length)):
        return None
    return min(max(position / length, 0.0), 1.0) if length > 0 else None  # type: ignore[operator]


def _is_ahead(moment: Any) -> bool:
    """Return whether a moment lies ahead: the device's clock is wrong, and the time of receipt is nearer."""
    try:
        parsed = datetime.fromisoformat(moment.upper())
    except (AttributeError, ValueError):
        return False  # the event's own validation names what is wrong
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)) > timezone.now()


def read_traits(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a profile that the traits of a message write. Raises MessageError.

    An age above the highest limit is no limit and lifts none: only `age_limit` does, which may be null.
    """
    traits = _object(message, "traits") or _object(_object(message, "context"), "traits")
    profile: dict[str, Any] = {}
    if "age_limit" in traits:
        limit = traits["age_limit"]
        if limit is not None and not (type(limit) is int and 0 <= limit <= MAX_AGE_LIMIT):
            raise MessageError(f"traits.age_limit: must be an integer from 0 to {MAX_AGE_LIMIT}, or null.")
        profile["age_limit"] = limit
    elif type(traits.get("age")) is int and 0 <= traits["age"] <= MAX_AGE_LIMIT:
        profile["age_limit"] = traits["age"]
    language = traits.get("language") or traits.get("locale")
    if isinstance(language, str) and language:
        language = language.replace("_", "-")
        if len(language) > MAX_LANGUAGE_LENGTH or not re.match(LANGUAGE_PATTERN, language):
            raise MessageError("traits.language: must be a BCP 47 tag, as in de or pt-BR.")
        profile["language"] = language
    address = traits.get("address")
    country = traits.get("country") or (address.get("country") if isinstance(address, Mapping) else None)
    if isinstance(country, str) and re.match(COUNTRY_PATTERN, country.upper()):
        profile["country"] = country.upper()  # a name in words is left out: it is none of ISO 3166
    return profile
