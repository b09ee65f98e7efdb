from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.neighbour_source import NeighbourSource
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.neighbour import Neighbour
    from ..models.similar_answer_removed import SimilarAnswerRemoved


T = TypeVar("T", bound="SimilarAnswer")


@_attrs_define
class SimilarAnswer:
    """
    Attributes:
        next_ (None | str): The cursor of the next page: send it as `cursor`. Null where the list ends.
        movie_id (str):
        similar (list[Neighbour]):
        source (NeighbourSource): * `model` - model
            * `content` - content
            * `popular` - popular
        model_version (None | str):
        recommendation_id (str):
        degraded (bool):
        removed (SimilarAnswerRemoved): As for a list.
        ignored_history (list[str]):
        language (str | Unset): Of titles, genres and reasons, as far as there are any in it.
    """

    next_: None | str
    movie_id: str
    similar: list[Neighbour]
    source: NeighbourSource
    model_version: None | str
    recommendation_id: str
    degraded: bool
    removed: SimilarAnswerRemoved
    ignored_history: list[str]
    language: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        next_: None | str
        next_ = self.next_

        movie_id = self.movie_id

        similar = []
        for similar_item_data in self.similar:
            similar_item = similar_item_data.to_dict()
            similar.append(similar_item)

        source = self.source.value

        model_version: None | str
        model_version = self.model_version

        recommendation_id = self.recommendation_id

        degraded = self.degraded

        removed = self.removed.to_dict()

        ignored_history = self.ignored_history

        language = self.language

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "next": next_,
                "movie_id": movie_id,
                "similar": similar,
                "source": source,
                "model_version": model_version,
                "recommendation_id": recommendation_id,
                "degraded": degraded,
                "removed": removed,
                "ignored_history": ignored_history,
            }
        )
        if language is not UNSET:
            field_dict["language"] = language

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.neighbour import Neighbour  # noqa: PLC0415
        from ..models.similar_answer_removed import SimilarAnswerRemoved  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_next_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

        movie_id = d.pop("movie_id")

        similar = []
        _similar = d.pop("similar")
        for similar_item_data in _similar:
            similar_item = Neighbour.from_dict(similar_item_data)

            similar.append(similar_item)

        source = NeighbourSource(d.pop("source"))

        def _parse_model_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        model_version = _parse_model_version(d.pop("model_version"))

        recommendation_id = d.pop("recommendation_id")

        degraded = d.pop("degraded")

        removed = SimilarAnswerRemoved.from_dict(d.pop("removed"))

        ignored_history = cast(list[str], d.pop("ignored_history"))

        language = d.pop("language", UNSET)

        similar_answer = cls(
            next_=next_,
            movie_id=movie_id,
            similar=similar,
            source=source,
            model_version=model_version,
            recommendation_id=recommendation_id,
            degraded=degraded,
            removed=removed,
            ignored_history=ignored_history,
            language=language,
        )

        similar_answer.additional_properties = d
        return similar_answer

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
