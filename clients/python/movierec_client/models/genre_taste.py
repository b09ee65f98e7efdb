from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.taste_direction import TasteDirection

T = TypeVar("T", bound="GenreTaste")


@_attrs_define
class GenreTaste:
    """
    Attributes:
        name (str):
        share (float): Of the films that the viewer watched or rated, 0 to 1.
        everyone (float): Of what everyone watches, 0 to 1.
        direction (TasteDirection): * `more` - more
            * `less` - less
            * `same` - same
    """

    name: str
    share: float
    everyone: float
    direction: TasteDirection
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        share = self.share

        everyone = self.everyone

        direction = self.direction.value

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "share": share,
                "everyone": everyone,
                "direction": direction,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        share = d.pop("share")

        everyone = d.pop("everyone")

        direction = TasteDirection(d.pop("direction"))

        genre_taste = cls(
            name=name,
            share=share,
            everyone=everyone,
            direction=direction,
        )

        genre_taste.additional_properties = d
        return genre_taste

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
