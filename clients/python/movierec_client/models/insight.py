from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.rate import Rate


T = TypeVar("T", bound="Insight")


@_attrs_define
class Insight:
    """
    Attributes:
        value (str): Of the dimension; empty: none, or all.
        viewer_days (int): Viewers of each day, added up: the units of the intervals.
        lists (int):
        impressions (int): Each film once a list, as all of these.
        clicks (int):
        plays (int):
        completions (int):
        likes (int):
        ratings (int):
        watchlist (int):
        rejections (int): Not interested, and dislikes.
        lists_without_outcome (float | None): Their share.
        click_through (Rate):
        play_rate (Rate):
        watch_through (Rate):
        rejection_rate (Rate):
    """

    value: str
    viewer_days: int
    lists: int
    impressions: int
    clicks: int
    plays: int
    completions: int
    likes: int
    ratings: int
    watchlist: int
    rejections: int
    lists_without_outcome: float | None
    click_through: Rate
    play_rate: Rate
    watch_through: Rate
    rejection_rate: Rate
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        value = self.value

        viewer_days = self.viewer_days

        lists = self.lists

        impressions = self.impressions

        clicks = self.clicks

        plays = self.plays

        completions = self.completions

        likes = self.likes

        ratings = self.ratings

        watchlist = self.watchlist

        rejections = self.rejections

        lists_without_outcome: float | None
        lists_without_outcome = self.lists_without_outcome

        click_through = self.click_through.to_dict()

        play_rate = self.play_rate.to_dict()

        watch_through = self.watch_through.to_dict()

        rejection_rate = self.rejection_rate.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "value": value,
                "viewer_days": viewer_days,
                "lists": lists,
                "impressions": impressions,
                "clicks": clicks,
                "plays": plays,
                "completions": completions,
                "likes": likes,
                "ratings": ratings,
                "watchlist": watchlist,
                "rejections": rejections,
                "lists_without_outcome": lists_without_outcome,
                "click_through": click_through,
                "play_rate": play_rate,
                "watch_through": watch_through,
                "rejection_rate": rejection_rate,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.rate import Rate  # noqa: PLC0415

        d = dict(src_dict)
        value = d.pop("value")

        viewer_days = d.pop("viewer_days")

        lists = d.pop("lists")

        impressions = d.pop("impressions")

        clicks = d.pop("clicks")

        plays = d.pop("plays")

        completions = d.pop("completions")

        likes = d.pop("likes")

        ratings = d.pop("ratings")

        watchlist = d.pop("watchlist")

        rejections = d.pop("rejections")

        def _parse_lists_without_outcome(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        lists_without_outcome = _parse_lists_without_outcome(d.pop("lists_without_outcome"))

        click_through = Rate.from_dict(d.pop("click_through"))

        play_rate = Rate.from_dict(d.pop("play_rate"))

        watch_through = Rate.from_dict(d.pop("watch_through"))

        rejection_rate = Rate.from_dict(d.pop("rejection_rate"))

        insight = cls(
            value=value,
            viewer_days=viewer_days,
            lists=lists,
            impressions=impressions,
            clicks=clicks,
            plays=plays,
            completions=completions,
            likes=likes,
            ratings=ratings,
            watchlist=watchlist,
            rejections=rejections,
            lists_without_outcome=lists_without_outcome,
            click_through=click_through,
            play_rate=play_rate,
            watch_through=watch_through,
            rejection_rate=rejection_rate,
        )

        insight.additional_properties = d
        return insight

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
