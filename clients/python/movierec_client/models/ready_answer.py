from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.ready_answer_parts import ReadyAnswerParts


T = TypeVar("T", bound="ReadyAnswer")


@_attrs_define
class ReadyAnswer:
    """
    Attributes:
        status (str):
        parts (ReadyAnswerParts):
        model_version (None | str):
        warnings (list[str]): Disks that are full or nearly so.
    """

    status: str
    parts: ReadyAnswerParts
    model_version: None | str
    warnings: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status = self.status

        parts = self.parts.to_dict()

        model_version: None | str
        model_version = self.model_version

        warnings = self.warnings

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "parts": parts,
                "model_version": model_version,
                "warnings": warnings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.ready_answer_parts import ReadyAnswerParts  # noqa: PLC0415

        d = dict(src_dict)
        status = d.pop("status")

        parts = ReadyAnswerParts.from_dict(d.pop("parts"))

        def _parse_model_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        model_version = _parse_model_version(d.pop("model_version"))

        warnings = cast(list[str], d.pop("warnings"))

        ready_answer = cls(
            status=status,
            parts=parts,
            model_version=model_version,
            warnings=warnings,
        )

        ready_answer.additional_properties = d
        return ready_answer

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
