from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="AdminNote")


@_attrs_define
class AdminNote:
    """
    Attributes:
        noted_at (datetime.datetime):
        about (str): The viewer, as the admin named them then.
        change (str):
    """

    noted_at: datetime.datetime
    about: str
    change: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        noted_at = self.noted_at.isoformat()

        about = self.about

        change = self.change

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "noted_at": noted_at,
                "about": about,
                "change": change,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        noted_at = datetime.datetime.fromisoformat(d.pop("noted_at"))

        about = d.pop("about")

        change = d.pop("change")

        admin_note = cls(
            noted_at=noted_at,
            about=about,
            change=change,
        )

        admin_note.additional_properties = d
        return admin_note

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
