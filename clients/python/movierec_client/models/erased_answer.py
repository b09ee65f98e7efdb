from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.trained_model import TrainedModel


T = TypeVar("T", bound="ErasedAnswer")


@_attrs_define
class ErasedAnswer:
    """
    Attributes:
        user_id (int | str):
        erased_at (datetime.datetime):
        events (int):
        impressions (int):
        jobs (int): Batches that a history of this viewer was sent with.
        stored_lists (bool): Gone from Redis as well; false: within seconds of its return.
        trained_before (list[TrainedModel]): Models that may have learned from this viewer's events.
        in_training (list[UUID]): Jobs that may have read the events already.
    """

    user_id: int | str
    erased_at: datetime.datetime
    events: int
    impressions: int
    jobs: int
    stored_lists: bool
    trained_before: list[TrainedModel]
    in_training: list[UUID]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user_id: int | str
        user_id = self.user_id

        erased_at = self.erased_at.isoformat()

        events = self.events

        impressions = self.impressions

        jobs = self.jobs

        stored_lists = self.stored_lists

        trained_before = []
        for trained_before_item_data in self.trained_before:
            trained_before_item = trained_before_item_data.to_dict()
            trained_before.append(trained_before_item)

        in_training = []
        for in_training_item_data in self.in_training:
            in_training_item = str(in_training_item_data)
            in_training.append(in_training_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user_id": user_id,
                "erased_at": erased_at,
                "events": events,
                "impressions": impressions,
                "jobs": jobs,
                "stored_lists": stored_lists,
                "trained_before": trained_before,
                "in_training": in_training,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.trained_model import TrainedModel  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_user_id(data: object) -> int | str:
            return cast(int | str, data)

        user_id = _parse_user_id(d.pop("user_id"))

        erased_at = datetime.datetime.fromisoformat(d.pop("erased_at"))

        events = d.pop("events")

        impressions = d.pop("impressions")

        jobs = d.pop("jobs")

        stored_lists = d.pop("stored_lists")

        trained_before = []
        _trained_before = d.pop("trained_before")
        for trained_before_item_data in _trained_before:
            trained_before_item = TrainedModel.from_dict(trained_before_item_data)

            trained_before.append(trained_before_item)

        in_training = []
        _in_training = d.pop("in_training")
        for in_training_item_data in _in_training:
            in_training_item = UUID(in_training_item_data)

            in_training.append(in_training_item)

        erased_answer = cls(
            user_id=user_id,
            erased_at=erased_at,
            events=events,
            impressions=impressions,
            jobs=jobs,
            stored_lists=stored_lists,
            trained_before=trained_before,
            in_training=in_training,
        )

        erased_answer.additional_properties = d
        return erased_answer

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
