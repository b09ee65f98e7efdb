from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="NewMovieTranslationsAdditionalPropertyType0")


@_attrs_define
class NewMovieTranslationsAdditionalPropertyType0:
    """
    Attributes:
        title (str | Unset):
        overview (str | Unset):
    """

    title: str | Unset = UNSET
    overview: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        title = self.title

        overview = self.overview

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if title is not UNSET:
            field_dict["title"] = title
        if overview is not UNSET:
            field_dict["overview"] = overview

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        title = d.pop("title", UNSET)

        overview = d.pop("overview", UNSET)

        new_movie_translations_additional_property_type_0 = cls(
            title=title,
            overview=overview,
        )

        return new_movie_translations_additional_property_type_0
