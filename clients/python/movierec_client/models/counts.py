from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Counts")


@_attrs_define
class Counts:
    """
    Attributes:
        watched (int):
        rated (int):
        liked (int):
        disliked (int):
        hidden (int): Disliked, or marked as not interesting: never listed.
        watchlist (int):
    """

    watched: int
    rated: int
    liked: int
    disliked: int
    hidden: int
    watchlist: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        watched = self.watched

        rated = self.rated

        liked = self.liked

        disliked = self.disliked

        hidden = self.hidden

        watchlist = self.watchlist

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "watched": watched,
                "rated": rated,
                "liked": liked,
                "disliked": disliked,
                "hidden": hidden,
                "watchlist": watchlist,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        watched = d.pop("watched")

        rated = d.pop("rated")

        liked = d.pop("liked")

        disliked = d.pop("disliked")

        hidden = d.pop("hidden")

        watchlist = d.pop("watchlist")

        counts = cls(
            watched=watched,
            rated=rated,
            liked=liked,
            disliked=disliked,
            hidden=hidden,
            watchlist=watchlist,
        )

        counts.additional_properties = d
        return counts

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
