from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.filters_applied import FiltersApplied
    from ..models.home_answer_suggestions import HomeAnswerSuggestions
    from ..models.home_answer_unknown_names import HomeAnswerUnknownNames
    from ..models.home_row import HomeRow


T = TypeVar("T", bound="HomeAnswer")


@_attrs_define
class HomeAnswer:
    """
    Attributes:
        user_id (int | None | str):
        rows (list[HomeRow]):
        model_version (None | str):
        is_known_user (bool):
        degraded (bool): A part is down, or too much is asked at once: rows may be missing.
        language (str): Of titles, genres and reasons, as far as there are any in it.
        filters_applied (FiltersApplied):
        reason (str | Unset): Why the list is empty.
        unknown_names (HomeAnswerUnknownNames | Unset): Names no film has.
        suggestions (HomeAnswerSuggestions | Unset): By filter, for unknown names: names of the catalogue that are near.
    """

    user_id: int | None | str
    rows: list[HomeRow]
    model_version: None | str
    is_known_user: bool
    degraded: bool
    language: str
    filters_applied: FiltersApplied
    reason: str | Unset = UNSET
    unknown_names: HomeAnswerUnknownNames | Unset = UNSET
    suggestions: HomeAnswerSuggestions | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user_id: int | None | str
        user_id = self.user_id

        rows = []
        for rows_item_data in self.rows:
            rows_item = rows_item_data.to_dict()
            rows.append(rows_item)

        model_version: None | str
        model_version = self.model_version

        is_known_user = self.is_known_user

        degraded = self.degraded

        language = self.language

        filters_applied = self.filters_applied.to_dict()

        reason = self.reason

        unknown_names: dict[str, Any] | Unset = UNSET
        if not isinstance(self.unknown_names, Unset):
            unknown_names = self.unknown_names.to_dict()

        suggestions: dict[str, Any] | Unset = UNSET
        if not isinstance(self.suggestions, Unset):
            suggestions = self.suggestions.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user_id": user_id,
                "rows": rows,
                "model_version": model_version,
                "is_known_user": is_known_user,
                "degraded": degraded,
                "language": language,
                "filters_applied": filters_applied,
            }
        )
        if reason is not UNSET:
            field_dict["reason"] = reason
        if unknown_names is not UNSET:
            field_dict["unknown_names"] = unknown_names
        if suggestions is not UNSET:
            field_dict["suggestions"] = suggestions

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.filters_applied import FiltersApplied  # noqa: PLC0415
        from ..models.home_answer_suggestions import HomeAnswerSuggestions  # noqa: PLC0415
        from ..models.home_answer_unknown_names import HomeAnswerUnknownNames  # noqa: PLC0415
        from ..models.home_row import HomeRow  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_user_id(data: object) -> int | None | str:
            if data is None:
                return data
            return cast(int | None | str, data)

        user_id = _parse_user_id(d.pop("user_id"))

        rows = []
        _rows = d.pop("rows")
        for rows_item_data in _rows:
            rows_item = HomeRow.from_dict(rows_item_data)

            rows.append(rows_item)

        def _parse_model_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        model_version = _parse_model_version(d.pop("model_version"))

        is_known_user = d.pop("is_known_user")

        degraded = d.pop("degraded")

        language = d.pop("language")

        filters_applied = FiltersApplied.from_dict(d.pop("filters_applied"))

        reason = d.pop("reason", UNSET)

        _unknown_names = d.pop("unknown_names", UNSET)
        unknown_names: HomeAnswerUnknownNames | Unset
        if isinstance(_unknown_names, Unset):
            unknown_names = UNSET
        else:
            unknown_names = HomeAnswerUnknownNames.from_dict(_unknown_names)

        _suggestions = d.pop("suggestions", UNSET)
        suggestions: HomeAnswerSuggestions | Unset
        if isinstance(_suggestions, Unset):
            suggestions = UNSET
        else:
            suggestions = HomeAnswerSuggestions.from_dict(_suggestions)

        home_answer = cls(
            user_id=user_id,
            rows=rows,
            model_version=model_version,
            is_known_user=is_known_user,
            degraded=degraded,
            language=language,
            filters_applied=filters_applied,
            reason=reason,
            unknown_names=unknown_names,
            suggestions=suggestions,
        )

        home_answer.additional_properties = d
        return home_answer

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
