from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.list_source import ListSource
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.about_removed import AboutRemoved


T = TypeVar("T", bound="About")


@_attrs_define
class About:
    """
    Attributes:
        source (ListSource): * `cache` - cache
            * `model` - model
            * `similar` - similar
            * `popular` - popular
        model_version (None | str):
        recommendation_id (str): Send it along with impressions and clicks.
        is_known_user (bool):
        degraded (bool): A part is down, or too much is asked at once: the list may be older, or of popular films.
        ignored_history (list[str]): Films that were sent and that the list does not build on.
        removed (AboutRemoved): How many films are kept out, by reason: seen, disliked, not_interested of the viewer's
            history; not_available, age_limit, merchandising, excluded of the films that the filters want.
        made_at (datetime.datetime | None | Unset): Of a stored list: when it was computed; null: for this answer.
    """

    source: ListSource
    model_version: None | str
    recommendation_id: str
    is_known_user: bool
    degraded: bool
    ignored_history: list[str]
    removed: AboutRemoved
    made_at: datetime.datetime | None | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        source = self.source.value

        model_version: None | str
        model_version = self.model_version

        recommendation_id = self.recommendation_id

        is_known_user = self.is_known_user

        degraded = self.degraded

        ignored_history = self.ignored_history

        removed = self.removed.to_dict()

        made_at: None | str | Unset
        if isinstance(self.made_at, Unset):
            made_at = UNSET
        elif isinstance(self.made_at, datetime.datetime):
            made_at = self.made_at.isoformat()
        else:
            made_at = self.made_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "source": source,
                "model_version": model_version,
                "recommendation_id": recommendation_id,
                "is_known_user": is_known_user,
                "degraded": degraded,
                "ignored_history": ignored_history,
                "removed": removed,
            }
        )
        if made_at is not UNSET:
            field_dict["made_at"] = made_at

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.about_removed import AboutRemoved  # noqa: PLC0415

        d = dict(src_dict)
        source = ListSource(d.pop("source"))

        def _parse_model_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        model_version = _parse_model_version(d.pop("model_version"))

        recommendation_id = d.pop("recommendation_id")

        is_known_user = d.pop("is_known_user")

        degraded = d.pop("degraded")

        ignored_history = cast(list[str], d.pop("ignored_history"))

        removed = AboutRemoved.from_dict(d.pop("removed"))

        def _parse_made_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                made_at_type_0 = datetime.datetime.fromisoformat(data)

                return made_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        made_at = _parse_made_at(d.pop("made_at", UNSET))

        about = cls(
            source=source,
            model_version=model_version,
            recommendation_id=recommendation_id,
            is_known_user=is_known_user,
            degraded=degraded,
            ignored_history=ignored_history,
            removed=removed,
            made_at=made_at,
        )

        about.additional_properties = d
        return about

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
