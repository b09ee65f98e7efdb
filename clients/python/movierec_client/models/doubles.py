from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.namesakes import Namesakes


T = TypeVar("T", bound="Doubles")


@_attrs_define
class Doubles:
    """The films that share title and year with another.

    Attributes:
        titles (int):
        movies (int):
        counted_as_one (int): Of these films: who saw one has seen the other.
        listed (list[Namesakes]): 500 at most, those that count as one first.
    """

    titles: int
    movies: int
    counted_as_one: int
    listed: list[Namesakes]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        titles = self.titles

        movies = self.movies

        counted_as_one = self.counted_as_one

        listed = []
        for listed_item_data in self.listed:
            listed_item = listed_item_data.to_dict()
            listed.append(listed_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "titles": titles,
                "movies": movies,
                "counted_as_one": counted_as_one,
                "listed": listed,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.namesakes import Namesakes  # noqa: PLC0415

        d = dict(src_dict)
        titles = d.pop("titles")

        movies = d.pop("movies")

        counted_as_one = d.pop("counted_as_one")

        listed = []
        _listed = d.pop("listed")
        for listed_item_data in _listed:
            listed_item = Namesakes.from_dict(listed_item_data)

            listed.append(listed_item)

        doubles = cls(
            titles=titles,
            movies=movies,
            counted_as_one=counted_as_one,
            listed=listed,
        )

        doubles.additional_properties = d
        return doubles

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
