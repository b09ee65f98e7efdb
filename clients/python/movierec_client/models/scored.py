from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.because import Because


T = TypeVar("T", bound="Scored")


@_attrs_define
class Scored:
    """
    Attributes:
        movie_id (str):
        score (float): Higher is better; comparable within one list only.
        because (list[Because] | Unset): With explain: what raised the score most; may be empty.
        fact (str | Unset): With explain: what it has in common with them, or empty.
    """

    movie_id: str
    score: float
    because: list[Because] | Unset = UNSET
    fact: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id = self.movie_id

        score = self.score

        because: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.because, Unset):
            because = []
            for because_item_data in self.because:
                because_item = because_item_data.to_dict()
                because.append(because_item)

        fact = self.fact

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "score": score,
            }
        )
        if because is not UNSET:
            field_dict["because"] = because
        if fact is not UNSET:
            field_dict["fact"] = fact

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.because import Because  # noqa: PLC0415

        d = dict(src_dict)
        movie_id = d.pop("movie_id")

        score = d.pop("score")

        _because = d.pop("because", UNSET)
        because: list[Because] | Unset = UNSET
        if _because is not UNSET:
            because = []
            for because_item_data in _because:
                because_item = Because.from_dict(because_item_data)

                because.append(because_item)

        fact = d.pop("fact", UNSET)

        scored = cls(
            movie_id=movie_id,
            score=score,
            because=because,
            fact=fact,
        )

        scored.additional_properties = d
        return scored

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
