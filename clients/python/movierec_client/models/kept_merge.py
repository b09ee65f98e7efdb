from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="KeptMerge")


@_attrs_define
class KeptMerge:
    """
    Attributes:
        merge_id (UUID):
        from_user_id (int | str):
        into_user_id (int | str):
        merged_at (datetime.datetime):
        undone_at (datetime.datetime | None):
        events (int):
        duplicates (int):
        impressions (int):
        kept (str): What undoing it needs, as JSON.
    """

    merge_id: UUID
    from_user_id: int | str
    into_user_id: int | str
    merged_at: datetime.datetime
    undone_at: datetime.datetime | None
    events: int
    duplicates: int
    impressions: int
    kept: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        merge_id = str(self.merge_id)

        from_user_id: int | str
        from_user_id = self.from_user_id

        into_user_id: int | str
        into_user_id = self.into_user_id

        merged_at = self.merged_at.isoformat()

        undone_at: None | str
        if isinstance(self.undone_at, datetime.datetime):
            undone_at = self.undone_at.isoformat()
        else:
            undone_at = self.undone_at

        events = self.events

        duplicates = self.duplicates

        impressions = self.impressions

        kept = self.kept

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "merge_id": merge_id,
                "from_user_id": from_user_id,
                "into_user_id": into_user_id,
                "merged_at": merged_at,
                "undone_at": undone_at,
                "events": events,
                "duplicates": duplicates,
                "impressions": impressions,
                "kept": kept,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        merge_id = UUID(d.pop("merge_id"))

        def _parse_from_user_id(data: object) -> int | str:
            return cast(int | str, data)

        from_user_id = _parse_from_user_id(d.pop("from_user_id"))

        def _parse_into_user_id(data: object) -> int | str:
            return cast(int | str, data)

        into_user_id = _parse_into_user_id(d.pop("into_user_id"))

        merged_at = datetime.datetime.fromisoformat(d.pop("merged_at"))

        def _parse_undone_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                undone_at_type_0 = datetime.datetime.fromisoformat(data)

                return undone_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        undone_at = _parse_undone_at(d.pop("undone_at"))

        events = d.pop("events")

        duplicates = d.pop("duplicates")

        impressions = d.pop("impressions")

        kept = d.pop("kept")

        kept_merge = cls(
            merge_id=merge_id,
            from_user_id=from_user_id,
            into_user_id=into_user_id,
            merged_at=merged_at,
            undone_at=undone_at,
            events=events,
            duplicates=duplicates,
            impressions=impressions,
            kept=kept,
        )

        kept_merge.additional_properties = d
        return kept_merge

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
