from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.event_result import EventResult


T = TypeVar("T", bound="EventsAnswer")


@_attrs_define
class EventsAnswer:
    """
    Attributes:
        results (list[EventResult]):
        stored (int):
        duplicates (int):
        rejected (int):
        conflicts (int): Events that are there with other content; nothing is changed.
        visible (bool): Every later read knows of all of them; false: within seconds.
    """

    results: list[EventResult]
    stored: int
    duplicates: int
    rejected: int
    conflicts: int
    visible: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        results = []
        for results_item_data in self.results:
            results_item = results_item_data.to_dict()
            results.append(results_item)

        stored = self.stored

        duplicates = self.duplicates

        rejected = self.rejected

        conflicts = self.conflicts

        visible = self.visible

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "results": results,
                "stored": stored,
                "duplicates": duplicates,
                "rejected": rejected,
                "conflicts": conflicts,
                "visible": visible,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.event_result import EventResult  # noqa: PLC0415

        d = dict(src_dict)
        results = []
        _results = d.pop("results")
        for results_item_data in _results:
            results_item = EventResult.from_dict(results_item_data)

            results.append(results_item)

        stored = d.pop("stored")

        duplicates = d.pop("duplicates")

        rejected = d.pop("rejected")

        conflicts = d.pop("conflicts")

        visible = d.pop("visible")

        events_answer = cls(
            results=results,
            stored=stored,
            duplicates=duplicates,
            rejected=rejected,
            conflicts=conflicts,
            visible=visible,
        )

        events_answer.additional_properties = d
        return events_answer

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
