from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="FiltersApplied")


@_attrs_define
class FiltersApplied:
    """
    Attributes:
        genres (list[str] | Unset):
        exclude_genres (list[str] | Unset):
        actors (list[str] | Unset):
        directors (list[str] | Unset):
        languages (list[str] | Unset):
        countries (list[str] | Unset):
        min_year (int | Unset):
        max_year (int | Unset):
        min_runtime (int | Unset): Minutes.
        max_runtime (int | Unset): Minutes.
    """

    genres: list[str] | Unset = UNSET
    exclude_genres: list[str] | Unset = UNSET
    actors: list[str] | Unset = UNSET
    directors: list[str] | Unset = UNSET
    languages: list[str] | Unset = UNSET
    countries: list[str] | Unset = UNSET
    min_year: int | Unset = UNSET
    max_year: int | Unset = UNSET
    min_runtime: int | Unset = UNSET
    max_runtime: int | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        genres: list[str] | Unset = UNSET
        if not isinstance(self.genres, Unset):
            genres = self.genres

        exclude_genres: list[str] | Unset = UNSET
        if not isinstance(self.exclude_genres, Unset):
            exclude_genres = self.exclude_genres

        actors: list[str] | Unset = UNSET
        if not isinstance(self.actors, Unset):
            actors = self.actors

        directors: list[str] | Unset = UNSET
        if not isinstance(self.directors, Unset):
            directors = self.directors

        languages: list[str] | Unset = UNSET
        if not isinstance(self.languages, Unset):
            languages = self.languages

        countries: list[str] | Unset = UNSET
        if not isinstance(self.countries, Unset):
            countries = self.countries

        min_year = self.min_year

        max_year = self.max_year

        min_runtime = self.min_runtime

        max_runtime = self.max_runtime

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if genres is not UNSET:
            field_dict["genres"] = genres
        if exclude_genres is not UNSET:
            field_dict["exclude_genres"] = exclude_genres
        if actors is not UNSET:
            field_dict["actors"] = actors
        if directors is not UNSET:
            field_dict["directors"] = directors
        if languages is not UNSET:
            field_dict["languages"] = languages
        if countries is not UNSET:
            field_dict["countries"] = countries
        if min_year is not UNSET:
            field_dict["min_year"] = min_year
        if max_year is not UNSET:
            field_dict["max_year"] = max_year
        if min_runtime is not UNSET:
            field_dict["min_runtime"] = min_runtime
        if max_runtime is not UNSET:
            field_dict["max_runtime"] = max_runtime

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        genres = cast(list[str], d.pop("genres", UNSET))

        exclude_genres = cast(list[str], d.pop("exclude_genres", UNSET))

        actors = cast(list[str], d.pop("actors", UNSET))

        directors = cast(list[str], d.pop("directors", UNSET))

        languages = cast(list[str], d.pop("languages", UNSET))

        countries = cast(list[str], d.pop("countries", UNSET))

        min_year = d.pop("min_year", UNSET)

        max_year = d.pop("max_year", UNSET)

        min_runtime = d.pop("min_runtime", UNSET)

        max_runtime = d.pop("max_runtime", UNSET)

        filters_applied = cls(
            genres=genres,
            exclude_genres=exclude_genres,
            actors=actors,
            directors=directors,
            languages=languages,
            countries=countries,
            min_year=min_year,
            max_year=max_year,
            min_runtime=min_runtime,
            max_runtime=max_runtime,
        )

        filters_applied.additional_properties = d
        return filters_applied

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
