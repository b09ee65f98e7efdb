from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.new_movie_translations_additional_property_type_0 import NewMovieTranslationsAdditionalPropertyType0


T = TypeVar("T", bound="NewMovieTranslations")


@_attrs_define
class NewMovieTranslations:
    """By BCP 47 tag: {"de": {"title": "Das Boot"}}. What is left out stays; null deletes a language."""

    additional_properties: dict[str, NewMovieTranslationsAdditionalPropertyType0 | None] = _attrs_field(
        init=False, factory=dict
    )

    def to_dict(self) -> dict[str, Any]:
        from ..models.new_movie_translations_additional_property_type_0 import (
            NewMovieTranslationsAdditionalPropertyType0,  # noqa: PLC0415
        )

        field_dict: dict[str, Any] = {}
        for prop_name, prop in self.additional_properties.items():
            if isinstance(prop, NewMovieTranslationsAdditionalPropertyType0):
                field_dict[prop_name] = prop.to_dict()
            else:
                field_dict[prop_name] = prop

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.new_movie_translations_additional_property_type_0 import (
            NewMovieTranslationsAdditionalPropertyType0,  # noqa: PLC0415
        )

        d = dict(src_dict)
        new_movie_translations = cls()

        additional_properties = {}
        for prop_name, prop_dict in d.items():

            def _parse_additional_property(data: object) -> NewMovieTranslationsAdditionalPropertyType0 | None:
                if data is None:
                    return data
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    additional_property_type_0 = NewMovieTranslationsAdditionalPropertyType0.from_dict(data)

                    return additional_property_type_0
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                return cast(NewMovieTranslationsAdditionalPropertyType0 | None, data)

            additional_property = _parse_additional_property(prop_dict)

            additional_properties[prop_name] = additional_property

        new_movie_translations.additional_properties = additional_properties
        return new_movie_translations

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> NewMovieTranslationsAdditionalPropertyType0 | None:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: NewMovieTranslationsAdditionalPropertyType0 | None) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
