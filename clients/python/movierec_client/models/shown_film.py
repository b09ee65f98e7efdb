from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ShownFilm")


@_attrs_define
class ShownFilm:
    """
    Attributes:
        movie_id (str):
        kind (str):
        occurred_at (datetime.datetime):
        position (int | None):
        recommendation_id (str):
        event_id (None | str):
    """

    movie_id: str
    kind: str
    occurred_at: datetime.datetime
    position: int | None
    recommendation_id: str
    event_id: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id = self.movie_id

        kind = self.kind

        occurred_at = self.occurred_at.isoformat()

        position: int | None
        position = self.position

        recommendation_id = self.recommendation_id

        event_id: None | str
        event_id = self.event_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "kind": kind,
                "occurred_at": occurred_at,
                "position": position,
                "recommendation_id": recommendation_id,
                "event_id": event_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        movie_id = d.pop("movie_id")

        kind = d.pop("kind")

        occurred_at = datetime.datetime.fromisoformat(d.pop("occurred_at"))

        def _parse_position(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        position = _parse_position(d.pop("position"))

        recommendation_id = d.pop("recommendation_id")

        def _parse_event_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        event_id = _parse_event_id(d.pop("event_id"))

        shown_film = cls(
            movie_id=movie_id,
            kind=kind,
            occurred_at=occurred_at,
            position=position,
            recommendation_id=recommendation_id,
            event_id=event_id,
        )

        shown_film.additional_properties = d
        return shown_film

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
