from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Namesakes")


@_attrs_define
class Namesakes:
    """The films of one title and year.

    Attributes:
        title (str):
        year (int | None):
        films (list[list[str]]): Ids; those of one list count as one.
    """

    title: str
    year: int | None
    films: list[list[str]]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        title = self.title

        year: int | None
        year = self.year

        films = []
        for films_item_data in self.films:
            films_item = films_item_data

            films.append(films_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "title": title,
                "year": year,
                "films": films,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        title = d.pop("title")

        def _parse_year(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        year = _parse_year(d.pop("year"))

        films = []
        _films = d.pop("films")
        for films_item_data in _films:
            films_item = cast(list[str], films_item_data)

            films.append(films_item)

        namesakes = cls(
            title=title,
            year=year,
            films=films,
        )

        namesakes.additional_properties = d
        return namesakes

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
