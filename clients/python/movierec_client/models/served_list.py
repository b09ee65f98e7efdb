from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.served_film import ServedFilm


T = TypeVar("T", bound="ServedList")


@_attrs_define
class ServedList:
    """
    Attributes:
        recommendation_id (str):
        served_at (datetime.datetime):
        surface (str): The call, or group.
        row (str): The key of a home page's row, else empty.
        source (str): As the answer said it.
        model_version (None | str):
        degraded (bool):
        is_known_user (bool):
        merchandising (bool): Whether rules held for it.
        viewer_version (int | None): Of the history that it was made of.
        catalogue_version (int | None): Of films and rules.
        epoch (int | None): Of all data.
        seed (int | None): Of the draw; null: nothing was drawn.
        films (list[ServedFilm]):
        user_id (int | None | str):
        request (Any): What the call asked for beyond the defaults.
    """

    recommendation_id: str
    served_at: datetime.datetime
    surface: str
    row: str
    source: str
    model_version: None | str
    degraded: bool
    is_known_user: bool
    merchandising: bool
    viewer_version: int | None
    catalogue_version: int | None
    epoch: int | None
    seed: int | None
    films: list[ServedFilm]
    user_id: int | None | str
    request: Any
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        recommendation_id = self.recommendation_id

        served_at = self.served_at.isoformat()

        surface = self.surface

        row = self.row

        source = self.source

        model_version: None | str
        model_version = self.model_version

        degraded = self.degraded

        is_known_user = self.is_known_user

        merchandising = self.merchandising

        viewer_version: int | None
        viewer_version = self.viewer_version

        catalogue_version: int | None
        catalogue_version = self.catalogue_version

        epoch: int | None
        epoch = self.epoch

        seed: int | None
        seed = self.seed

        films = []
        for films_item_data in self.films:
            films_item = films_item_data.to_dict()
            films.append(films_item)

        user_id: int | None | str
        user_id = self.user_id

        request = self.request

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "recommendation_id": recommendation_id,
                "served_at": served_at,
                "surface": surface,
                "row": row,
                "source": source,
                "model_version": model_version,
                "degraded": degraded,
                "is_known_user": is_known_user,
                "merchandising": merchandising,
                "viewer_version": viewer_version,
                "catalogue_version": catalogue_version,
                "epoch": epoch,
                "seed": seed,
                "films": films,
                "user_id": user_id,
                "request": request,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.served_film import ServedFilm  # noqa: PLC0415

        d = dict(src_dict)
        recommendation_id = d.pop("recommendation_id")

        served_at = datetime.datetime.fromisoformat(d.pop("served_at"))

        surface = d.pop("surface")

        row = d.pop("row")

        source = d.pop("source")

        def _parse_model_version(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        model_version = _parse_model_version(d.pop("model_version"))

        degraded = d.pop("degraded")

        is_known_user = d.pop("is_known_user")

        merchandising = d.pop("merchandising")

        def _parse_viewer_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        viewer_version = _parse_viewer_version(d.pop("viewer_version"))

        def _parse_catalogue_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        catalogue_version = _parse_catalogue_version(d.pop("catalogue_version"))

        def _parse_epoch(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        epoch = _parse_epoch(d.pop("epoch"))

        def _parse_seed(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        seed = _parse_seed(d.pop("seed"))

        films = []
        _films = d.pop("films")
        for films_item_data in _films:
            films_item = ServedFilm.from_dict(films_item_data)

            films.append(films_item)

        def _parse_user_id(data: object) -> int | None | str:
            if data is None:
                return data
            return cast(int | None | str, data)

        user_id = _parse_user_id(d.pop("user_id"))

        request = d.pop("request")

        served_list = cls(
            recommendation_id=recommendation_id,
            served_at=served_at,
            surface=surface,
            row=row,
            source=source,
            model_version=model_version,
            degraded=degraded,
            is_known_user=is_known_user,
            merchandising=merchandising,
            viewer_version=viewer_version,
            catalogue_version=catalogue_version,
            epoch=epoch,
            seed=seed,
            films=films,
            user_id=user_id,
            request=request,
        )

        served_list.additional_properties = d
        return served_list

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
