from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="SentHistory")


@_attrs_define
class SentHistory:
    """
    Attributes:
        job_id (UUID):
        sent_at (datetime.datetime):
        history (list[str]):
    """

    job_id: UUID
    sent_at: datetime.datetime
    history: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        job_id = str(self.job_id)

        sent_at = self.sent_at.isoformat()

        history = self.history

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "job_id": job_id,
                "sent_at": sent_at,
                "history": history,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        job_id = UUID(d.pop("job_id"))

        sent_at = datetime.datetime.fromisoformat(d.pop("sent_at"))

        history = cast(list[str], d.pop("history"))

        sent_history = cls(
            job_id=job_id,
            sent_at=sent_at,
            history=history,
        )

        sent_history.additional_properties = d
        return sent_history

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
