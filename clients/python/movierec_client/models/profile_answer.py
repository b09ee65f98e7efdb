from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.counts import Counts


T = TypeVar("T", bound="ProfileAnswer")


@_attrs_define
class ProfileAnswer:
    """
    Attributes:
        user_id (int | str):
        age_limit (int | None):
        language (None | str):
        country (None | str):
        account (int | None | str):
        session (bool): Whether the viewer is an anonymous session.
        created_at (datetime.datetime):
        counts (Counts):
    """

    user_id: int | str
    age_limit: int | None
    language: None | str
    country: None | str
    account: int | None | str
    session: bool
    created_at: datetime.datetime
    counts: Counts
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user_id: int | str
        user_id = self.user_id

        age_limit: int | None
        age_limit = self.age_limit

        language: None | str
        language = self.language

        country: None | str
        country = self.country

        account: int | None | str
        account = self.account

        session = self.session

        created_at = self.created_at.isoformat()

        counts = self.counts.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user_id": user_id,
                "age_limit": age_limit,
                "language": language,
                "country": country,
                "account": account,
                "session": session,
                "created_at": created_at,
                "counts": counts,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.counts import Counts  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_user_id(data: object) -> int | str:
            return cast(int | str, data)

        user_id = _parse_user_id(d.pop("user_id"))

        def _parse_age_limit(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        age_limit = _parse_age_limit(d.pop("age_limit"))

        def _parse_language(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        language = _parse_language(d.pop("language"))

        def _parse_country(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        country = _parse_country(d.pop("country"))

        def _parse_account(data: object) -> int | None | str:
            if data is None:
                return data
            return cast(int | None | str, data)

        account = _parse_account(d.pop("account"))

        session = d.pop("session")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        counts = Counts.from_dict(d.pop("counts"))

        profile_answer = cls(
            user_id=user_id,
            age_limit=age_limit,
            language=language,
            country=country,
            account=account,
            session=session,
            created_at=created_at,
            counts=counts,
        )

        profile_answer.additional_properties = d
        return profile_answer

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
