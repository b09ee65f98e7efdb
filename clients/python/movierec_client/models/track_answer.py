from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.track_result import TrackResult


T = TypeVar("T", bound="TrackAnswer")


@_attrs_define
class TrackAnswer:
    """
    Attributes:
        success (bool): false: a message was rejected, or is in conflict; see its reason.
        results (list[TrackResult]):
        visible (bool): Every later read knows of all of them; false: within seconds.
    """

    success: bool
    results: list[TrackResult]
    visible: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        success = self.success

        results = []
        for results_item_data in self.results:
            results_item = results_item_data.to_dict()
            results.append(results_item)

        visible = self.visible

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "success": success,
                "results": results,
                "visible": visible,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.track_result import TrackResult  # noqa: PLC0415

        d = dict(src_dict)
        success = d.pop("success")

        results = []
        _results = d.pop("results")
        for results_item_data in _results:
            results_item = TrackResult.from_dict(results_item_data)

            results.append(results_item)

        visible = d.pop("visible")

        track_answer = cls(
            success=success,
            results=results,
            visible=visible,
        )

        track_answer.additional_properties = d
        return track_answer

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
