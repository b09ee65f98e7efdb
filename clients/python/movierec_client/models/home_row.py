from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.row_source import RowSource

if TYPE_CHECKING:
    from ..models.home_film import HomeFilm
    from ..models.see_all import SeeAll


T = TypeVar("T", bound="HomeRow")


@_attrs_define
class HomeRow:
    """
    Attributes:
        key (str): The kind and, where it is about something, that: once on a page.
        kind (str): What the row is; to give it a title of one's own by.
        about (str): The film id, genre or name that the title speaks of, or nothing.
        title (str): In the wished language if it is told in it, else in English.
        reason (str): Why it is on this page, likewise.
        source (RowSource): * `cache` - cache
            * `model` - model
            * `similar` - similar
            * `content` - content
            * `popular` - popular
            * `trending` - trending
            * `trending_for_you` - trending_for_you
            * `latest` - latest
            * `history` - history
        recommendation_id (str): Send it along with impressions and clicks.
        films (list[HomeFilm]):
        see_all (None | SeeAll): How the row goes on; null where no call lists the same.
    """

    key: str
    kind: str
    about: str
    title: str
    reason: str
    source: RowSource
    recommendation_id: str
    films: list[HomeFilm]
    see_all: None | SeeAll
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.see_all import SeeAll  # noqa: PLC0415

        key = self.key

        kind = self.kind

        about = self.about

        title = self.title

        reason = self.reason

        source = self.source.value

        recommendation_id = self.recommendation_id

        films = []
        for films_item_data in self.films:
            films_item = films_item_data.to_dict()
            films.append(films_item)

        see_all: dict[str, Any] | None
        if isinstance(self.see_all, SeeAll):
            see_all = self.see_all.to_dict()
        else:
            see_all = self.see_all

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "key": key,
                "kind": kind,
                "about": about,
                "title": title,
                "reason": reason,
                "source": source,
                "recommendation_id": recommendation_id,
                "films": films,
                "see_all": see_all,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.home_film import HomeFilm  # noqa: PLC0415
        from ..models.see_all import SeeAll  # noqa: PLC0415

        d = dict(src_dict)
        key = d.pop("key")

        kind = d.pop("kind")

        about = d.pop("about")

        title = d.pop("title")

        reason = d.pop("reason")

        source = RowSource(d.pop("source"))

        recommendation_id = d.pop("recommendation_id")

        films = []
        _films = d.pop("films")
        for films_item_data in _films:
            films_item = HomeFilm.from_dict(films_item_data)

            films.append(films_item)

        def _parse_see_all(data: object) -> None | SeeAll:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                see_all_type_0 = SeeAll.from_dict(data)

                return see_all_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SeeAll, data)

        see_all = _parse_see_all(d.pop("see_all"))

        home_row = cls(
            key=key,
            kind=kind,
            about=about,
            title=title,
            reason=reason,
            source=source,
            recommendation_id=recommendation_id,
            films=films,
            see_all=see_all,
        )

        home_row.additional_properties = d
        return home_row

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
