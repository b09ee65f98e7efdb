from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="UndoAnswer")


@_attrs_define
class UndoAnswer:
    """
    Attributes:
        from_user_id (int | str):
        into_user_id (int | str):
        events (int):
        duplicates (int): Events that the viewer had already.
        impressions (int):
        visible (bool): Every later read knows of it; false: within seconds.
        merge_id (None | UUID): null: there was nothing to merge.
        undo_until (datetime.datetime | None): Until then POST /users/merge/undo takes it.
        undone_at (datetime.datetime):
    """

    from_user_id: int | str
    into_user_id: int | str
    events: int
    duplicates: int
    impressions: int
    visible: bool
    merge_id: None | UUID
    undo_until: datetime.datetime | None
    undone_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from_user_id: int | str
        from_user_id = self.from_user_id

        into_user_id: int | str
        into_user_id = self.into_user_id

        events = self.events

        duplicates = self.duplicates

        impressions = self.impressions

        visible = self.visible

        merge_id: None | str
        if isinstance(self.merge_id, UUID):
            merge_id = str(self.merge_id)
        else:
            merge_id = self.merge_id

        undo_until: None | str
        if isinstance(self.undo_until, datetime.datetime):
            undo_until = self.undo_until.isoformat()
        else:
            undo_until = self.undo_until

        undone_at = self.undone_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "from_user_id": from_user_id,
                "into_user_id": into_user_id,
                "events": events,
                "duplicates": duplicates,
                "impressions": impressions,
                "visible": visible,
                "merge_id": merge_id,
                "undo_until": undo_until,
                "undone_at": undone_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_from_user_id(data: object) -> int | str:
            return cast(int | str, data)

        from_user_id = _parse_from_user_id(d.pop("from_user_id"))

        def _parse_into_user_id(data: object) -> int | str:
            return cast(int | str, data)

        into_user_id = _parse_into_user_id(d.pop("into_user_id"))

        events = d.pop("events")

        duplicates = d.pop("duplicates")

        impressions = d.pop("impressions")

        visible = d.pop("visible")

        def _parse_merge_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                merge_id_type_0 = UUID(data)

                return merge_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        merge_id = _parse_merge_id(d.pop("merge_id"))

        def _parse_undo_until(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                undo_until_type_0 = datetime.datetime.fromisoformat(data)

                return undo_until_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        undo_until = _parse_undo_until(d.pop("undo_until"))

        undone_at = datetime.datetime.fromisoformat(d.pop("undone_at"))

        undo_answer = cls(
            from_user_id=from_user_id,
            into_user_id=into_user_id,
            events=events,
            duplicates=duplicates,
            impressions=impressions,
            visible=visible,
            merge_id=merge_id,
            undo_until=undo_until,
            undone_at=undone_at,
        )

        undo_answer.additional_properties = d
        return undo_answer

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
