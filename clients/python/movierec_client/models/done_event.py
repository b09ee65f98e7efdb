from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="DoneEvent")


@_attrs_define
class DoneEvent:
    """
    Attributes:
        movie_id (str):
        title (str):
        kind (str):
        occurred_at (datetime.datetime):
        rating (float | None):
        completion (float | None):
        event_id (None | str):
    """

    movie_id: str
    title: str
    kind: str
    occurred_at: datetime.datetime
    rating: float | None
    completion: float | None
    event_id: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id = self.movie_id

        title = self.title

        kind = self.kind

        occurred_at = self.occurred_at.isoformat()

        rating: float | None
        rating = self.rating

        completion: float | None
        completion = self.completion

        event_id: None | str
        event_id = self.event_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "title": title,
                "kind": kind,
                "occurred_at": occurred_at,
                "rating": rating,
                "completion": completion,
                "event_id": event_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        movie_id = d.pop("movie_id")

        title = d.pop("title")

        kind = d.pop("kind")

        occurred_at = datetime.datetime.fromisoformat(d.pop("occurred_at"))

        def _parse_rating(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        rating = _parse_rating(d.pop("rating"))

        def _parse_completion(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        completion = _parse_completion(d.pop("completion"))

        def _parse_event_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        event_id = _parse_event_id(d.pop("event_id"))

        done_event = cls(
            movie_id=movie_id,
            title=title,
            kind=kind,
            occurred_at=occurred_at,
            rating=rating,
            completion=completion,
            event_id=event_id,
        )

        done_event.additional_properties = d
        return done_event

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
