from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ServedFilm")


@_attrs_define
class ServedFilm:
    """
    Attributes:
        movie_id (str):
        position (int): From 0.
        score (float | None):
        propensity (float | None): The probability with which it stood there, below the films above it; 1: nothing was
            drawn.
    """

    movie_id: str
    position: int
    score: float | None
    propensity: float | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id = self.movie_id

        position = self.position

        score: float | None
        score = self.score

        propensity: float | None
        propensity = self.propensity

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "position": position,
                "score": score,
                "propensity": propensity,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        movie_id = d.pop("movie_id")

        position = d.pop("position")

        def _parse_score(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        score = _parse_score(d.pop("score"))

        def _parse_propensity(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        propensity = _parse_propensity(d.pop("propensity"))

        served_film = cls(
            movie_id=movie_id,
            position=position,
            score=score,
            propensity=propensity,
        )

        served_film.additional_properties = d
        return served_film

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
