from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="PatchedProfileValues")


@_attrs_define
class PatchedProfileValues:
    """Validate only the fields that were sent: an absent one costs its default, where the base class asks every field.

    One instance serves all requests: it keeps no state.

        Attributes:
            age_limit (int | None | Unset): Years: films for older people are never listed. null: no limit.
            language (None | str | Unset): A BCP 47 tag: de, pt-BR.
            country (None | str | Unset): ISO 3166: US, DE.
            account (int | None | str | Unset): The key of the account that the profile belongs to. null: none.
    """

    age_limit: int | None | Unset = UNSET
    language: None | str | Unset = UNSET
    country: None | str | Unset = UNSET
    account: int | None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        age_limit: int | None | Unset
        if isinstance(self.age_limit, Unset):
            age_limit = UNSET
        else:
            age_limit = self.age_limit

        language: None | str | Unset
        if isinstance(self.language, Unset):
            language = UNSET
        else:
            language = self.language

        country: None | str | Unset
        if isinstance(self.country, Unset):
            country = UNSET
        else:
            country = self.country

        account: int | None | str | Unset
        if isinstance(self.account, Unset):
            account = UNSET
        else:
            account = self.account

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if age_limit is not UNSET:
            field_dict["age_limit"] = age_limit
        if language is not UNSET:
            field_dict["language"] = language
        if country is not UNSET:
            field_dict["country"] = country
        if account is not UNSET:
            field_dict["account"] = account

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_age_limit(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        age_limit = _parse_age_limit(d.pop("age_limit", UNSET))

        def _parse_language(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        language = _parse_language(d.pop("language", UNSET))

        def _parse_country(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        country = _parse_country(d.pop("country", UNSET))

        def _parse_account(data: object) -> int | None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | str | Unset, data)

        account = _parse_account(d.pop("account", UNSET))

        patched_profile_values = cls(
            age_limit=age_limit,
            language=language,
            country=country,
            account=account,
        )

        return patched_profile_values
