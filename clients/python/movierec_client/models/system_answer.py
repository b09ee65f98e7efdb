from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.check_status import CheckStatus

if TYPE_CHECKING:
    from ..models.system_check import SystemCheck


T = TypeVar("T", bound="SystemAnswer")


@_attrs_define
class SystemAnswer:
    """
    Attributes:
        status (CheckStatus): * `ok` - ok
            * `warn` - warn
            * `unknown` - unknown
            * `fail` - fail
        checked_at (datetime.datetime):
        checks (list[SystemCheck]):
    """

    status: CheckStatus
    checked_at: datetime.datetime
    checks: list[SystemCheck]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status = self.status.value

        checked_at = self.checked_at.isoformat()

        checks = []
        for checks_item_data in self.checks:
            checks_item = checks_item_data.to_dict()
            checks.append(checks_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
                "checked_at": checked_at,
                "checks": checks,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.system_check import SystemCheck  # noqa: PLC0415

        d = dict(src_dict)
        status = CheckStatus(d.pop("status"))

        checked_at = datetime.datetime.fromisoformat(d.pop("checked_at"))

        checks = []
        _checks = d.pop("checks")
        for checks_item_data in _checks:
            checks_item = SystemCheck.from_dict(checks_item_data)

            checks.append(checks_item)

        system_answer = cls(
            status=status,
            checked_at=checked_at,
            checks=checks,
        )

        system_answer.additional_properties = d
        return system_answer

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
