from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="HomeFilm")


@_attrs_define
class HomeFilm:
    """
    Attributes:
        movie_id (str):
        title (None | str):
        genres (list[str]):
        year (int | None):
        poster_url (str):
        overview (str | Unset): With details.
        runtime (int | None | Unset): With details: minutes.
        certificate (str | Unset): With details.
        directors (list[str] | Unset): With details.
        actors (list[str] | Unset): With details: in billing order.
        completion (float | Unset): In the row continue_watching: how much was watched.
    """

    movie_id: str
    title: None | str
    genres: list[str]
    year: int | None
    poster_url: str
    overview: str | Unset = UNSET
    runtime: int | None | Unset = UNSET
    certificate: str | Unset = UNSET
    directors: list[str] | Unset = UNSET
    actors: list[str] | Unset = UNSET
    completion: float | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id = self.movie_id

        title: None | str
        title = self.title

        genres = self.genres

        year: int | None
        year = self.year

        poster_url = self.poster_url

        overview = self.overview

        runtime: int | None | Unset
        if isinstance(self.runtime, Unset):
            runtime = UNSET
        else:
            runtime = self.runtime

        certificate = self.certificate

        directors: list[str] | Unset = UNSET
        if not isinstance(self.directors, Unset):
            directors = self.directors

        actors: list[str] | Unset = UNSET
        if not isinstance(self.actors, Unset):
            actors = self.actors

        completion = self.completion

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "title": title,
                "genres": genres,
                "year": year,
                "poster_url": poster_url,
            }
        )
        if overview is not UNSET:
            field_dict["overview"] = overview
        if runtime is not UNSET:
            field_dict["runtime"] = runtime
        if certificate is not UNSET:
            field_dict["certificate"] = certificate
        if directors is not UNSET:
            field_dict["directors"] = directors
        if actors is not UNSET:
            field_dict["actors"] = actors
        if completion is not UNSET:
            field_dict["completion"] = completion

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        movie_id = d.pop("movie_id")

        def _parse_title(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        title = _parse_title(d.pop("title"))

        genres = cast(list[str], d.pop("genres"))

        def _parse_year(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        year = _parse_year(d.pop("year"))

        poster_url = d.pop("poster_url")

        overview = d.pop("overview", UNSET)

        def _parse_runtime(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        runtime = _parse_runtime(d.pop("runtime", UNSET))

        certificate = d.pop("certificate", UNSET)

        directors = cast(list[str], d.pop("directors", UNSET))

        actors = cast(list[str], d.pop("actors", UNSET))

        completion = d.pop("completion", UNSET)

        home_film = cls(
            movie_id=movie_id,
            title=title,
            genres=genres,
            year=year,
            poster_url=poster_url,
            overview=overview,
            runtime=runtime,
            certificate=certificate,
            directors=directors,
            actors=actors,
            completion=completion,
        )

        home_film.additional_properties = d
        return home_film

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
