from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.history_kind import HistoryKind

T = TypeVar("T", bound="HistoryItem")


@_attrs_define
class HistoryItem:
    """
    Attributes:
        movie_id (str):
        title (str):
        year (int | None):
        genres (list[str]):
        poster_url (str):
        kind (HistoryKind): * `watch` - watch
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
        occurred_at (datetime.datetime):
        rating (float | None): Stars.
        completion (float | None): The share of the film that was watched.
        event_id (None | str): As the event came; null: without one.
    """

    movie_id: str
    title: str
    year: int | None
    genres: list[str]
    poster_url: str
    kind: HistoryKind
    occurred_at: datetime.datetime
    rating: float | None
    completion: float | None
    event_id: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id = self.movie_id

        title = self.title

        year: int | None
        year = self.year

        genres = self.genres

        poster_url = self.poster_url

        kind = self.kind.value

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
                "year": year,
                "genres": genres,
                "poster_url": poster_url,
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

        def _parse_year(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        year = _parse_year(d.pop("year"))

        genres = cast(list[str], d.pop("genres"))

        poster_url = d.pop("poster_url")

        kind = HistoryKind(d.pop("kind"))

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

        history_item = cls(
            movie_id=movie_id,
            title=title,
            year=year,
            genres=genres,
            poster_url=poster_url,
            kind=kind,
            occurred_at=occurred_at,
            rating=rating,
            completion=completion,
            event_id=event_id,
        )

        history_item.additional_properties = d
        return history_item

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
