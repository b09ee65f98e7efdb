from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.batch_answer_lists import BatchAnswerLists
    from ..models.batch_answer_results import BatchAnswerResults


T = TypeVar("T", bound="BatchAnswer")


@_attrs_define
class BatchAnswer:
    """
    Attributes:
        results (BatchAnswerResults):
        total_users (int):
        success_count (int):
        failed_users (list[str]): Keys that are no viewer's id.
        model_version (None | str):
        degraded (bool):
        lists (BatchAnswerLists): What is to be known of each list.
    """

    results: BatchAnswerResults
    total_users: int
    success_count: int
    failed_users: list[str]
    model_version: None | str
    degraded: bool
    lists: BatchAnswerLists
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        results = self.results.to_dict()

        total_users = self.total_users

        success_count = self.success_count

        failed_users = self.failed_users

        model_version: None | str
        model_version = self.model_version

        degraded = self.degraded

        lists = self.lists.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "results": results,
                "total_users": total_users,
                "success_count": success_count,
                "failed_users": failed_users,
                "model_version": model_version,
                "degraded": degraded,
                "lists": lists,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_answer_lists import BatchAnswerLists  # noqa: PLC0415
        from ..models.batch_answer_results import BatchAnswerResults  # noqa: PLC0415

        d = dict(src_dict)
        results = BatchAnswerResults.from_dict(d.pop("results"))

        total_users = d.pop("total_users")

        success_count = d.pop("success_count")

        failed_users = cast(list[str], d.pop("failed_users"))

        def _parse_model_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        model_version = _parse_model_version(d.pop("model_version"))

        degraded = d.pop("degraded")

        lists = BatchAnswerLists.from_dict(d.pop("lists"))

        batch_answer = cls(
            results=results,
            total_users=total_users,
            success_count=success_count,
            failed_users=failed_users,
            model_version=model_version,
            degraded=degraded,
            lists=lists,
        )

        batch_answer.additional_properties = d
        return batch_answer

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
