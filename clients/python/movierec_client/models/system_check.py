from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.check_status import CheckStatus

if TYPE_CHECKING:
    from ..models.system_check_figures import SystemCheckFigures


T = TypeVar("T", bound="SystemCheck")


@_attrs_define
class SystemCheck:
    """
    Attributes:
        name (str): For programs: it stays.
        label (str):
        status (CheckStatus): * `ok` - ok
            * `warn` - warn
            * `unknown` - unknown
            * `fail` - fail
        value (str):
        detail (str):
        remedy (str): What to do; empty where nothing has to be done.
        figures (SystemCheckFigures): Each with its unit in the name.
    """

    name: str
    label: str
    status: CheckStatus
    value: str
    detail: str
    remedy: str
    figures: SystemCheckFigures
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        label = self.label

        status = self.status.value

        value = self.value

        detail = self.detail

        remedy = self.remedy

        figures = self.figures.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "label": label,
                "status": status,
                "value": value,
                "detail": detail,
                "remedy": remedy,
                "figures": figures,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.system_check_figures import SystemCheckFigures  # noqa: PLC0415

        d = dict(src_dict)
        name = d.pop("name")

        label = d.pop("label")

        status = CheckStatus(d.pop("status"))

        value = d.pop("value")

        detail = d.pop("detail")

        remedy = d.pop("remedy")

        figures = SystemCheckFigures.from_dict(d.pop("figures"))

        system_check = cls(
            name=name,
            label=label,
            status=status,
            value=value,
            detail=detail,
            remedy=remedy,
            figures=figures,
        )

        system_check.additional_properties = d
        return system_check

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
