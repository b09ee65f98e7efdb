from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="DeletedEvents")


@_attrs_define
class DeletedEvents:
    """
    Attributes:
        events (int): Of the viewer's history that were deleted.
        impressions (int): Impressions and clicks that were deleted.
        visible (bool): Every later read knows nothing of them; false: within seconds.
    """

    events: int
    impressions: int
    visible: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        events = self.events

        impressions = self.impressions

        visible = self.visible

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "events": events,
                "impressions": impressions,
                "visible": visible,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        events = d.pop("events")

        impressions = d.pop("impressions")

        visible = d.pop("visible")

        deleted_events = cls(
            events=events,
            impressions=impressions,
            visible=visible,
        )

        deleted_events.additional_properties = d
        return deleted_events

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
