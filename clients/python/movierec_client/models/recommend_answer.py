from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.list_source import ListSource
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.recommend_answer_removed import RecommendAnswerRemoved
    from ..models.recommend_answer_suggestions import RecommendAnswerSuggestions
    from ..models.recommend_answer_unknown_names import RecommendAnswerUnknownNames
    from ..models.titled import Titled


T = TypeVar("T", bound="RecommendAnswer")


@_attrs_define
class RecommendAnswer:
    """
    Attributes:
        next_ (None | str): The cursor of the next page: send it as `cursor`. Null where the list ends.
        source (ListSource): * `cache` - cache
            * `model` - model
            * `similar` - similar
            * `popular` - popular
        model_version (None | str):
        recommendation_id (str): Send it along with impressions and clicks.
        is_known_user (bool):
        degraded (bool): A part is down, or too much is asked at once: the list may be older, or of popular films.
        ignored_history (list[str]): Films that were sent and that the list does not build on.
        removed (RecommendAnswerRemoved): How many films are kept out, by reason: seen, disliked, not_interested of the
            viewer's history; not_available, age_limit, merchandising, excluded of the films that the filters want.
        recommendations (list[Titled]):
        user_id (int | None | str):
        made_at (datetime.datetime | None | Unset): Of a stored list: when it was computed; null: for this answer.
        reason (str | Unset): Why the list is empty.
        unknown_names (RecommendAnswerUnknownNames | Unset): Names no film has.
        suggestions (RecommendAnswerSuggestions | Unset): By filter, for unknown names: names of the catalogue that are
            near.
        language (str | Unset): Of titles, genres and reasons, as far as there are any in it.
        user_ids (list[int | str] | Unset): Who watch together; then user_id is null.
        is_drawn (bool | Unset): True: the list was drawn by chance from the best films (MOVIEREC_EXPLORATION_SHARE);
            else left out.
    """

    next_: None | str
    source: ListSource
    model_version: None | str
    recommendation_id: str
    is_known_user: bool
    degraded: bool
    ignored_history: list[str]
    removed: RecommendAnswerRemoved
    recommendations: list[Titled]
    user_id: int | None | str
    made_at: datetime.datetime | None | Unset = UNSET
    reason: str | Unset = UNSET
    unknown_names: RecommendAnswerUnknownNames | Unset = UNSET
    suggestions: RecommendAnswerSuggestions | Unset = UNSET
    language: str | Unset = UNSET
    user_ids: list[int | str] | Unset = UNSET
    is_drawn: bool | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        next_: None | str
        next_ = self.next_

        source = self.source.value

        model_version: None | str
        model_version = self.model_version

        recommendation_id = self.recommendation_id

        is_known_user = self.is_known_user

        degraded = self.degraded

        ignored_history = self.ignored_history

        removed = self.removed.to_dict()

        recommendations = []
        for recommendations_item_data in self.recommendations:
            recommendations_item = recommendations_item_data.to_dict()
            recommendations.append(recommendations_item)

        user_id: int | None | str
        user_id = self.user_id

        made_at: None | str | Unset
        if isinstance(self.made_at, Unset):
            made_at = UNSET
        elif isinstance(self.made_at, datetime.datetime):
            made_at = self.made_at.isoformat()
        else:
            made_at = self.made_at

        reason = self.reason

        unknown_names: dict[str, Any] | Unset = UNSET
        if not isinstance(self.unknown_names, Unset):
            unknown_names = self.unknown_names.to_dict()

        suggestions: dict[str, Any] | Unset = UNSET
        if not isinstance(self.suggestions, Unset):
            suggestions = self.suggestions.to_dict()

        language = self.language

        user_ids: list[int | str] | Unset = UNSET
        if not isinstance(self.user_ids, Unset):
            user_ids = []
            for user_ids_item_data in self.user_ids:
                user_ids_item: int | str
                user_ids_item = user_ids_item_data
                user_ids.append(user_ids_item)

        is_drawn = self.is_drawn

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "next": next_,
                "source": source,
                "model_version": model_version,
                "recommendation_id": recommendation_id,
                "is_known_user": is_known_user,
                "degraded": degraded,
                "ignored_history": ignored_history,
                "removed": removed,
                "recommendations": recommendations,
                "user_id": user_id,
            }
        )
        if made_at is not UNSET:
            field_dict["made_at"] = made_at
        if reason is not UNSET:
            field_dict["reason"] = reason
        if unknown_names is not UNSET:
            field_dict["unknown_names"] = unknown_names
        if suggestions is not UNSET:
            field_dict["suggestions"] = suggestions
        if language is not UNSET:
            field_dict["language"] = language
        if user_ids is not UNSET:
            field_dict["user_ids"] = user_ids
        if is_drawn is not UNSET:
            field_dict["is_drawn"] = is_drawn

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.recommend_answer_removed import RecommendAnswerRemoved  # noqa: PLC0415
        from ..models.recommend_answer_suggestions import RecommendAnswerSuggestions  # noqa: PLC0415
        from ..models.recommend_answer_unknown_names import RecommendAnswerUnknownNames  # noqa: PLC0415
        from ..models.titled import Titled  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_next_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

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

        removed = RecommendAnswerRemoved.from_dict(d.pop("removed"))

        recommendations = []
        _recommendations = d.pop("recommendations")
        for recommendations_item_data in _recommendations:
            recommendations_item = Titled.from_dict(recommendations_item_data)

            recommendations.append(recommendations_item)

        def _parse_user_id(data: object) -> int | None | str:
            if data is None:
                return data
            return cast(int | None | str, data)

        user_id = _parse_user_id(d.pop("user_id"))

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

        reason = d.pop("reason", UNSET)

        _unknown_names = d.pop("unknown_names", UNSET)
        unknown_names: RecommendAnswerUnknownNames | Unset
        if isinstance(_unknown_names, Unset):
            unknown_names = UNSET
        else:
            unknown_names = RecommendAnswerUnknownNames.from_dict(_unknown_names)

        _suggestions = d.pop("suggestions", UNSET)
        suggestions: RecommendAnswerSuggestions | Unset
        if isinstance(_suggestions, Unset):
            suggestions = UNSET
        else:
            suggestions = RecommendAnswerSuggestions.from_dict(_suggestions)

        language = d.pop("language", UNSET)

        _user_ids = d.pop("user_ids", UNSET)
        user_ids: list[int | str] | Unset = UNSET
        if _user_ids is not UNSET:
            user_ids = []
            for user_ids_item_data in _user_ids:

                def _parse_user_ids_item(data: object) -> int | str:
                    return cast(int | str, data)

                user_ids_item = _parse_user_ids_item(user_ids_item_data)

                user_ids.append(user_ids_item)

        is_drawn = d.pop("is_drawn", UNSET)

        recommend_answer = cls(
            next_=next_,
            source=source,
            model_version=model_version,
            recommendation_id=recommendation_id,
            is_known_user=is_known_user,
            degraded=degraded,
            ignored_history=ignored_history,
            removed=removed,
            recommendations=recommendations,
            user_id=user_id,
            made_at=made_at,
            reason=reason,
            unknown_names=unknown_names,
            suggestions=suggestions,
            language=language,
            user_ids=user_ids,
            is_drawn=is_drawn,
        )

        recommend_answer.additional_properties = d
        return recommend_answer

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
