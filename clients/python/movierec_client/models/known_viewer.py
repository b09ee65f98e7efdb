from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="KnownViewer")


@_attrs_define
class KnownViewer:
    """
    Attributes:
        name (str):
        account (str): Empty: of none.
        age_limit (int | None):
        country (str): Empty: not known.
        language (str): Empty: not known.
        is_session (bool):
        is_simulated (bool):
        created_at (datetime.datetime):
    """

    name: str
    account: str
    age_limit: int | None
    country: str
    language: str
    is_session: bool
    is_simulated: bool
    created_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        account = self.account

        age_limit: int | None
        age_limit = self.age_limit

        country = self.country

        language = self.language

        is_session = self.is_session

        is_simulated = self.is_simulated

        created_at = self.created_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "account": account,
                "age_limit": age_limit,
                "country": country,
                "language": language,
                "is_session": is_session,
                "is_simulated": is_simulated,
                "created_at": created_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        account = d.pop("account")

        def _parse_age_limit(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        age_limit = _parse_age_limit(d.pop("age_limit"))

        country = d.pop("country")

        language = d.pop("language")

        is_session = d.pop("is_session")

        is_simulated = d.pop("is_simulated")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        known_viewer = cls(
            name=name,
            account=account,
            age_limit=age_limit,
            country=country,
            language=language,
            is_session=is_session,
            is_simulated=is_simulated,
            created_at=created_at,
        )

        known_viewer.additional_properties = d
        return known_viewer

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
