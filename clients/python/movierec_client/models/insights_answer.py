from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.insight import Insight
    from ..models.insights_answer_log import InsightsAnswerLog
    from ..models.insights_answer_not_attributed import InsightsAnswerNotAttributed


T = TypeVar("T", bound="InsightsAnswer")


@_attrs_define
class InsightsAnswer:
    """
    Attributes:
        since (datetime.date):
        until (datetime.date):
        by (str):
        groups (list[Insight]):
        coverage (float | None): Share of the films that a day's lists had, in the mean.
        new_films (float | None): Share of places that films of the last 30 days had.
        novelty (float | None): How little known the films were: the mean of -log2 of a film's share of all watches, in
            bits.
        not_attributed (InsightsAnswerNotAttributed): Outcomes that no list is known for, by reason and kind, on the
            days when they came.
        log (InsightsAnswerLog): Records of the last 24 hours, by fate.
    """

    since: datetime.date
    until: datetime.date
    by: str
    groups: list[Insight]
    coverage: float | None
    new_films: float | None
    novelty: float | None
    not_attributed: InsightsAnswerNotAttributed
    log: InsightsAnswerLog
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        since = self.since.isoformat()

        until = self.until.isoformat()

        by = self.by

        groups = []
        for groups_item_data in self.groups:
            groups_item = groups_item_data.to_dict()
            groups.append(groups_item)

        coverage: float | None
        coverage = self.coverage

        new_films: float | None
        new_films = self.new_films

        novelty: float | None
        novelty = self.novelty

        not_attributed = self.not_attributed.to_dict()

        log = self.log.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "since": since,
                "until": until,
                "by": by,
                "groups": groups,
                "coverage": coverage,
                "new_films": new_films,
                "novelty": novelty,
                "not_attributed": not_attributed,
                "log": log,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.insight import Insight  # noqa: PLC0415
        from ..models.insights_answer_log import InsightsAnswerLog  # noqa: PLC0415
        from ..models.insights_answer_not_attributed import InsightsAnswerNotAttributed  # noqa: PLC0415

        d = dict(src_dict)
        since = datetime.date.fromisoformat(d.pop("since"))

        until = datetime.date.fromisoformat(d.pop("until"))

        by = d.pop("by")

        groups = []
        _groups = d.pop("groups")
        for groups_item_data in _groups:
            groups_item = Insight.from_dict(groups_item_data)

            groups.append(groups_item)

        def _parse_coverage(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        coverage = _parse_coverage(d.pop("coverage"))

        def _parse_new_films(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        new_films = _parse_new_films(d.pop("new_films"))

        def _parse_novelty(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        novelty = _parse_novelty(d.pop("novelty"))

        not_attributed = InsightsAnswerNotAttributed.from_dict(d.pop("not_attributed"))

        log = InsightsAnswerLog.from_dict(d.pop("log"))

        insights_answer = cls(
            since=since,
            until=until,
            by=by,
            groups=groups,
            coverage=coverage,
            new_films=new_films,
            novelty=novelty,
            not_attributed=not_attributed,
            log=log,
        )

        insights_answer.additional_properties = d
        return insights_answer

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
