from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.track_status import TrackStatus
from ..types import UNSET, Unset

T = TypeVar("T", bound="TrackResult")


@_attrs_define
class TrackResult:
    """
    Attributes:
        index (int):
        type_ (str):
        status (TrackStatus): * `stored` - stored
            * `duplicate` - duplicate
            * `conflict` - conflict
            * `rejected` - rejected
            * `merged` - merged
            * `written` - written
            * `deleted` - deleted
            * `ignored` - ignored
        reason (str | Unset):
    """

    index: int
    type_: str
    status: TrackStatus
    reason: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        index = self.index

        type_ = self.type_

        status = self.status.value

        reason = self.reason

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "index": index,
                "type": type_,
                "status": status,
            }
        )
        if reason is not UNSET:
            field_dict["reason"] = reason

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        index = d.pop("index")

        type_ = d.pop("type")

        status = TrackStatus(d.pop("status"))

        reason = d.pop("reason", UNSET)

        track_result = cls(
            index=index,
            type_=type_,
            status=status,
            reason=reason,
        )

        track_result.additional_properties = d
        return track_result

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
