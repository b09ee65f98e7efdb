from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.unmatched_line import UnmatchedLine


T = TypeVar("T", bound="ImportedFile")


@_attrs_define
class ImportedFile:
    """
    Attributes:
        job_id (UUID):
        imported_at (datetime.datetime):
        report (str): What became of the file, as JSON.
        unmatched (list[UnmatchedLine]):
    """

    job_id: UUID
    imported_at: datetime.datetime
    report: str
    unmatched: list[UnmatchedLine]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        job_id = str(self.job_id)

        imported_at = self.imported_at.isoformat()

        report = self.report

        unmatched = []
        for unmatched_item_data in self.unmatched:
            unmatched_item = unmatched_item_data.to_dict()
            unmatched.append(unmatched_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "job_id": job_id,
                "imported_at": imported_at,
                "report": report,
                "unmatched": unmatched,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.unmatched_line import UnmatchedLine  # noqa: PLC0415

        d = dict(src_dict)
        job_id = UUID(d.pop("job_id"))

        imported_at = datetime.datetime.fromisoformat(d.pop("imported_at"))

        report = d.pop("report")

        unmatched = []
        _unmatched = d.pop("unmatched")
        for unmatched_item_data in _unmatched:
            unmatched_item = UnmatchedLine.from_dict(unmatched_item_data)

            unmatched.append(unmatched_item)

        imported_file = cls(
            job_id=job_id,
            imported_at=imported_at,
            report=report,
            unmatched=unmatched,
        )

        imported_file.additional_properties = d
        return imported_file

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
