from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.credit_role import CreditRole

T = TypeVar("T", bound="PersonTaste")


@_attrs_define
class PersonTaste:
    """
    Attributes:
        name (str):
        role (CreditRole): * `director` - director
            * `actor` - actor
        films (int): Of theirs that the viewer liked.
    """

    name: str
    role: CreditRole
    films: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        role = self.role.value

        films = self.films

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "role": role,
                "films": films,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        role = CreditRole(d.pop("role"))

        films = d.pop("films")

        person_taste = cls(
            name=name,
            role=role,
            films=films,
        )

        person_taste.additional_properties = d
        return person_taste

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
