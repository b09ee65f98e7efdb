from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.decade_taste import DecadeTaste
    from ..models.genre_taste import GenreTaste
    from ..models.language_taste import LanguageTaste
    from ..models.person_taste import PersonTaste


T = TypeVar("T", bound="TasteAnswer")


@_attrs_define
class TasteAnswer:
    """
    Attributes:
        user_id (int | str):
        events (int):
        films (int): Watched or rated, each once.
        liked (int):
        mean_rating (float | None): Stars.
        genres (list[GenreTaste]): The most watched, and the most missed.
        people (list[PersonTaste]):
        decades (list[DecadeTaste]): Without gaps.
        languages (list[LanguageTaste]):
        sentences (list[str]): What stands out, in words.
    """

    user_id: int | str
    events: int
    films: int
    liked: int
    mean_rating: float | None
    genres: list[GenreTaste]
    people: list[PersonTaste]
    decades: list[DecadeTaste]
    languages: list[LanguageTaste]
    sentences: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        user_id: int | str
        user_id = self.user_id

        events = self.events

        films = self.films

        liked = self.liked

        mean_rating: float | None
        mean_rating = self.mean_rating

        genres = []
        for genres_item_data in self.genres:
            genres_item = genres_item_data.to_dict()
            genres.append(genres_item)

        people = []
        for people_item_data in self.people:
            people_item = people_item_data.to_dict()
            people.append(people_item)

        decades = []
        for decades_item_data in self.decades:
            decades_item = decades_item_data.to_dict()
            decades.append(decades_item)

        languages = []
        for languages_item_data in self.languages:
            languages_item = languages_item_data.to_dict()
            languages.append(languages_item)

        sentences = self.sentences

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user_id": user_id,
                "events": events,
                "films": films,
                "liked": liked,
                "mean_rating": mean_rating,
                "genres": genres,
                "people": people,
                "decades": decades,
                "languages": languages,
                "sentences": sentences,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.decade_taste import DecadeTaste  # noqa: PLC0415
        from ..models.genre_taste import GenreTaste  # noqa: PLC0415
        from ..models.language_taste import LanguageTaste  # noqa: PLC0415
        from ..models.person_taste import PersonTaste  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_user_id(data: object) -> int | str:
            return cast(int | str, data)

        user_id = _parse_user_id(d.pop("user_id"))

        events = d.pop("events")

        films = d.pop("films")

        liked = d.pop("liked")

        def _parse_mean_rating(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        mean_rating = _parse_mean_rating(d.pop("mean_rating"))

        genres = []
        _genres = d.pop("genres")
        for genres_item_data in _genres:
            genres_item = GenreTaste.from_dict(genres_item_data)

            genres.append(genres_item)

        people = []
        _people = d.pop("people")
        for people_item_data in _people:
            people_item = PersonTaste.from_dict(people_item_data)

            people.append(people_item)

        decades = []
        _decades = d.pop("decades")
        for decades_item_data in _decades:
            decades_item = DecadeTaste.from_dict(decades_item_data)

            decades.append(decades_item)

        languages = []
        _languages = d.pop("languages")
        for languages_item_data in _languages:
            languages_item = LanguageTaste.from_dict(languages_item_data)

            languages.append(languages_item)

        sentences = cast(list[str], d.pop("sentences"))

        taste_answer = cls(
            user_id=user_id,
            events=events,
            films=films,
            liked=liked,
            mean_rating=mean_rating,
            genres=genres,
            people=people,
            decades=decades,
            languages=languages,
            sentences=sentences,
        )

        taste_answer.additional_properties = d
        return taste_answer

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
