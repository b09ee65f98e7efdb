from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.country_window import CountryWindow
    from ..models.movie_details_translations import MovieDetailsTranslations


T = TypeVar("T", bound="MovieDetails")


@_attrs_define
class MovieDetails:
    """A movie with all that is known of it.

    Attributes:
        movie_id (str):
        title (str):
        year (int | None):
        genres (list[str]):
        poster_url (str):
        original_title (str):
        overview (str):
        runtime (int | None): Minutes.
        certificate (str):
        language (str):
        countries (list[str]): Of origin, ISO 3166.
        imdb_id (str):
        tmdb_id (int | None):
        directors (list[str]):
        actors (list[str]): In billing order.
        published (bool):
        available_from (datetime.datetime | None):
        available_until (datetime.datetime | None): Exclusive.
        availability (list[CountryWindow]): Empty: in every country.
        translations (MovieDetailsTranslations | Unset): With published=any or false: titles and overviews by language.
    """

    movie_id: str
    title: str
    year: int | None
    genres: list[str]
    poster_url: str
    original_title: str
    overview: str
    runtime: int | None
    certificate: str
    language: str
    countries: list[str]
    imdb_id: str
    tmdb_id: int | None
    directors: list[str]
    actors: list[str]
    published: bool
    available_from: datetime.datetime | None
    available_until: datetime.datetime | None
    availability: list[CountryWindow]
    translations: MovieDetailsTranslations | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id = self.movie_id

        title = self.title

        year: int | None
        year = self.year

        genres = self.genres

        poster_url = self.poster_url

        original_title = self.original_title

        overview = self.overview

        runtime: int | None
        runtime = self.runtime

        certificate = self.certificate

        language = self.language

        countries = self.countries

        imdb_id = self.imdb_id

        tmdb_id: int | None
        tmdb_id = self.tmdb_id

        directors = self.directors

        actors = self.actors

        published = self.published

        available_from: None | str
        if isinstance(self.available_from, datetime.datetime):
            available_from = self.available_from.isoformat()
        else:
            available_from = self.available_from

        available_until: None | str
        if isinstance(self.available_until, datetime.datetime):
            available_until = self.available_until.isoformat()
        else:
            available_until = self.available_until

        availability = []
        for availability_item_data in self.availability:
            availability_item = availability_item_data.to_dict()
            availability.append(availability_item)

        translations: dict[str, Any] | Unset = UNSET
        if not isinstance(self.translations, Unset):
            translations = self.translations.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "title": title,
                "year": year,
                "genres": genres,
                "poster_url": poster_url,
                "original_title": original_title,
                "overview": overview,
                "runtime": runtime,
                "certificate": certificate,
                "language": language,
                "countries": countries,
                "imdb_id": imdb_id,
                "tmdb_id": tmdb_id,
                "directors": directors,
                "actors": actors,
                "published": published,
                "available_from": available_from,
                "available_until": available_until,
                "availability": availability,
            }
        )
        if translations is not UNSET:
            field_dict["translations"] = translations

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.country_window import CountryWindow  # noqa: PLC0415
        from ..models.movie_details_translations import MovieDetailsTranslations  # noqa: PLC0415

        d = dict(src_dict)
        movie_id = d.pop("movie_id")

        title = d.pop("title")

        def _parse_year(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        year = _parse_year(d.pop("year"))

        genres = cast(list[str], d.pop("genres"))

        poster_url = d.pop("poster_url")

        original_title = d.pop("original_title")

        overview = d.pop("overview")

        def _parse_runtime(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        runtime = _parse_runtime(d.pop("runtime"))

        certificate = d.pop("certificate")

        language = d.pop("language")

        countries = cast(list[str], d.pop("countries"))

        imdb_id = d.pop("imdb_id")

        def _parse_tmdb_id(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        tmdb_id = _parse_tmdb_id(d.pop("tmdb_id"))

        directors = cast(list[str], d.pop("directors"))

        actors = cast(list[str], d.pop("actors"))

        published = d.pop("published")

        def _parse_available_from(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                available_from_type_0 = datetime.datetime.fromisoformat(data)

                return available_from_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        available_from = _parse_available_from(d.pop("available_from"))

        def _parse_available_until(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                available_until_type_0 = datetime.datetime.fromisoformat(data)

                return available_until_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        available_until = _parse_available_until(d.pop("available_until"))

        availability = []
        _availability = d.pop("availability")
        for availability_item_data in _availability:
            availability_item = CountryWindow.from_dict(availability_item_data)

            availability.append(availability_item)

        _translations = d.pop("translations", UNSET)
        translations: MovieDetailsTranslations | Unset
        if isinstance(_translations, Unset):
            translations = UNSET
        else:
            translations = MovieDetailsTranslations.from_dict(_translations)

        movie_details = cls(
            movie_id=movie_id,
            title=title,
            year=year,
            genres=genres,
            poster_url=poster_url,
            original_title=original_title,
            overview=overview,
            runtime=runtime,
            certificate=certificate,
            language=language,
            countries=countries,
            imdb_id=imdb_id,
            tmdb_id=tmdb_id,
            directors=directors,
            actors=actors,
            published=published,
            available_from=available_from,
            available_until=available_until,
            availability=availability,
            translations=translations,
        )

        movie_details.additional_properties = d
        return movie_details

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
