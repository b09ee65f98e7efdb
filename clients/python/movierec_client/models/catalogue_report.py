from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.doubles import Doubles
    from ..models.missing_facts import MissingFacts


T = TypeVar("T", bound="CatalogueReport")


@_attrs_define
class CatalogueReport:
    """What the catalogue lacks.

    Attributes:
        movies (int):
        missing (MissingFacts):
        doubles (Doubles): The films that share title and year with another.
    """

    movies: int
    missing: MissingFacts
    doubles: Doubles
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movies = self.movies

        missing = self.missing.to_dict()

        doubles = self.doubles.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movies": movies,
                "missing": missing,
                "doubles": doubles,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.doubles import Doubles  # noqa: PLC0415
        from ..models.missing_facts import MissingFacts  # noqa: PLC0415

        d = dict(src_dict)
        movies = d.pop("movies")

        missing = MissingFacts.from_dict(d.pop("missing"))

        doubles = Doubles.from_dict(d.pop("doubles"))

        catalogue_report = cls(
            movies=movies,
            missing=missing,
            doubles=doubles,
        )

        catalogue_report.additional_properties = d
        return catalogue_report

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
