from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.kind_enum import KindEnum
from ..types import UNSET, Unset

T = TypeVar("T", bound="EventRequest")


@_attrs_define
class EventRequest:
    """Validate only the fields that were sent: an absent one costs its default, where the base class asks every field.

    One instance serves all requests: it keeps no state.

        Attributes:
            user_id (int | str): The site's own id of a viewer.
            movie_id (int | str):
            kind (KindEnum): * `watch` - watch
                * `rating` - rating
                * `like` - like
                * `dislike` - dislike
                * `not_interested` - not_interested
                * `watchlist` - watchlist
                * `progress` - progress
                * `rewatch` - rewatch
                * `unwatch` - unwatch
                * `unlike` - unlike
                * `undislike` - undislike
                * `interested` - interested
                * `impression` - impression
                * `click` - click
            occurred_at (datetime.datetime | float | Unset): Default now; at most five minutes ahead of the server's clock.
            rating (float | Unset): Stars in halves; needed for the kind rating.
            completion (float | Unset): The share of the film that was watched; needed for the kind progress.
            event_id (int | str | Unset): The site's own. Sent twice, it counts once; with other content it is a conflict.
            session (bool | Unset): Whether the viewer is an anonymous session, to be merged into an account. Default:
                False.
            recommendation_id (str | Unset): Of the list that showed the film: what came of it is counted for it.
            position (int | Unset): Kept for impression and click.
    """

    user_id: int | str
    movie_id: int | str
    kind: KindEnum
    occurred_at: datetime.datetime | float | Unset = UNSET
    rating: float | Unset = UNSET
    completion: float | Unset = UNSET
    event_id: int | str | Unset = UNSET
    session: bool | Unset = False
    recommendation_id: str | Unset = UNSET
    position: int | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        user_id: int | str
        user_id = self.user_id

        movie_id: int | str
        movie_id = self.movie_id

        kind = self.kind.value

        occurred_at: float | str | Unset
        if isinstance(self.occurred_at, Unset):
            occurred_at = UNSET
        elif isinstance(self.occurred_at, datetime.datetime):
            occurred_at = self.occurred_at.isoformat()
        else:
            occurred_at = self.occurred_at

        rating = self.rating

        completion = self.completion

        event_id: int | str | Unset
        if isinstance(self.event_id, Unset):
            event_id = UNSET
        else:
            event_id = self.event_id

        session = self.session

        recommendation_id = self.recommendation_id

        position = self.position

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "user_id": user_id,
                "movie_id": movie_id,
                "kind": kind,
            }
        )
        if occurred_at is not UNSET:
            field_dict["occurred_at"] = occurred_at
        if rating is not UNSET:
            field_dict["rating"] = rating
        if completion is not UNSET:
            field_dict["completion"] = completion
        if event_id is not UNSET:
            field_dict["event_id"] = event_id
        if session is not UNSET:
            field_dict["session"] = session
        if recommendation_id is not UNSET:
            field_dict["recommendation_id"] = recommendation_id
        if position is not UNSET:
            field_dict["position"] = position

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_user_id(data: object) -> int | str:
            return cast(int | str, data)

        user_id = _parse_user_id(d.pop("user_id"))

        def _parse_movie_id(data: object) -> int | str:
            return cast(int | str, data)

        movie_id = _parse_movie_id(d.pop("movie_id"))

        kind = KindEnum(d.pop("kind"))

        def _parse_occurred_at(data: object) -> datetime.datetime | float | Unset:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                occurred_at_type_1 = datetime.datetime.fromisoformat(data)

                return occurred_at_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | float | Unset, data)

        occurred_at = _parse_occurred_at(d.pop("occurred_at", UNSET))

        rating = d.pop("rating", UNSET)

        completion = d.pop("completion", UNSET)

        def _parse_event_id(data: object) -> int | str | Unset:
            if isinstance(data, Unset):
                return data
            return cast(int | str | Unset, data)

        event_id = _parse_event_id(d.pop("event_id", UNSET))

        session = d.pop("session", UNSET)

        recommendation_id = d.pop("recommendation_id", UNSET)

        position = d.pop("position", UNSET)

        event_request = cls(
            user_id=user_id,
            movie_id=movie_id,
            kind=kind,
            occurred_at=occurred_at,
            rating=rating,
            completion=completion,
            event_id=event_id,
            session=session,
            recommendation_id=recommendation_id,
            position=position,
        )

        return event_request
