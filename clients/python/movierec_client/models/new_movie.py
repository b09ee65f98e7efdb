from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.new_movie_countries_item_type_0 import NewMovieCountriesItemType0
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.new_movie_availability_item import NewMovieAvailabilityItem
    from ..models.new_movie_translations import NewMovieTranslations


T = TypeVar("T", bound="NewMovie")


@_attrs_define
class NewMovie:
    """The body of POST /movies.

    Attributes:
        title (str):
        create_genres (bool | Unset): Whether genres that are new are made, not refused. Default: False.
        original_title (str | Unset):
        year (int | None | Unset):
        genres (list[str] | Unset): All of them, by any of their names.
        directors (list[str] | Unset): All of them.
        actors (list[str] | Unset): All of them, in billing order.
        overview (str | Unset):
        poster_url (str | Unset):
        runtime (int | None | Unset): Minutes.
        certificate (str | Unset):
        language (str | Unset): A BCP 47 tag: en, en-GB.
        countries (list[NewMovieCountriesItemType0] | Unset): Of origin, ISO 3166: US, GB.
        imdb_id (str | Unset): As in tt0114709.
        tmdb_id (int | None | Unset):
        available_from (datetime.datetime | None | Unset):
        available_until (datetime.datetime | None | Unset): Exclusive.
        availability (list[NewMovieAvailabilityItem] | Unset): Where and when the film is available: all of it. Empty:
            in every country.
        translations (NewMovieTranslations | Unset): By BCP 47 tag: {"de": {"title": "Das Boot"}}. What is left out
            stays; null deletes a language.
        published (bool | Unset): false hides the film everywhere.
        movie_id (int | str | Unset): Yours to choose; left out, the next free number.
    """

    title: str
    create_genres: bool | Unset = False
    original_title: str | Unset = UNSET
    year: int | None | Unset = UNSET
    genres: list[str] | Unset = UNSET
    directors: list[str] | Unset = UNSET
    actors: list[str] | Unset = UNSET
    overview: str | Unset = UNSET
    poster_url: str | Unset = UNSET
    runtime: int | None | Unset = UNSET
    certificate: str | Unset = UNSET
    language: str | Unset = UNSET
    countries: list[NewMovieCountriesItemType0] | Unset = UNSET
    imdb_id: str | Unset = UNSET
    tmdb_id: int | None | Unset = UNSET
    available_from: datetime.datetime | None | Unset = UNSET
    available_until: datetime.datetime | None | Unset = UNSET
    availability: list[NewMovieAvailabilityItem] | Unset = UNSET
    translations: NewMovieTranslations | Unset = UNSET
    published: bool | Unset = UNSET
    movie_id: int | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        title = self.title

        create_genres = self.create_genres

        original_title = self.original_title

        year: int | None | Unset
        if isinstance(self.year, Unset):
            year = UNSET
        else:
            year = self.year

        genres: list[str] | Unset = UNSET
        if not isinstance(self.genres, Unset):
            genres = self.genres

        directors: list[str] | Unset = UNSET
        if not isinstance(self.directors, Unset):
            directors = self.directors

        actors: list[str] | Unset = UNSET
        if not isinstance(self.actors, Unset):
            actors = self.actors

        overview = self.overview

        poster_url: str | Unset
        if isinstance(self.poster_url, Unset):
            poster_url = UNSET
        else:
            poster_url = self.poster_url

        runtime: int | None | Unset
        if isinstance(self.runtime, Unset):
            runtime = UNSET
        else:
            runtime = self.runtime

        certificate = self.certificate

        language: str | Unset
        if isinstance(self.language, Unset):
            language = UNSET
        else:
            language = self.language

        countries: list[str] | Unset = UNSET
        if not isinstance(self.countries, Unset):
            countries = []
            for countries_item_data in self.countries:
                countries_item: str
                if isinstance(countries_item_data, NewMovieCountriesItemType0):
                    countries_item = countries_item_data.value

                countries.append(countries_item)

        imdb_id = self.imdb_id

        tmdb_id: int | None | Unset
        if isinstance(self.tmdb_id, Unset):
            tmdb_id = UNSET
        else:
            tmdb_id = self.tmdb_id

        available_from: None | str | Unset
        if isinstance(self.available_from, Unset):
            available_from = UNSET
        elif isinstance(self.available_from, datetime.datetime):
            available_from = self.available_from.isoformat()
        else:
            available_from = self.available_from

        available_until: None | str | Unset
        if isinstance(self.available_until, Unset):
            available_until = UNSET
        elif isinstance(self.available_until, datetime.datetime):
            available_until = self.available_until.isoformat()
        else:
            available_until = self.available_until

        availability: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.availability, Unset):
            availability = []
            for availability_item_data in self.availability:
                availability_item = availability_item_data.to_dict()
                availability.append(availability_item)

        translations: dict[str, Any] | Unset = UNSET
        if not isinstance(self.translations, Unset):
            translations = self.translations.to_dict()

        published = self.published

        movie_id: int | str | Unset
        if isinstance(self.movie_id, Unset):
            movie_id = UNSET
        else:
            movie_id = self.movie_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "title": title,
            }
        )
        if create_genres is not UNSET:
            field_dict["create_genres"] = create_genres
        if original_title is not UNSET:
            field_dict["original_title"] = original_title
        if year is not UNSET:
            field_dict["year"] = year
        if genres is not UNSET:
            field_dict["genres"] = genres
        if directors is not UNSET:
            field_dict["directors"] = directors
        if actors is not UNSET:
            field_dict["actors"] = actors
        if overview is not UNSET:
            field_dict["overview"] = overview
        if poster_url is not UNSET:
            field_dict["poster_url"] = poster_url
        if runtime is not UNSET:
            field_dict["runtime"] = runtime
        if certificate is not UNSET:
            field_dict["certificate"] = certificate
        if language is not UNSET:
            field_dict["language"] = language
        if countries is not UNSET:
            field_dict["countries"] = countries
        if imdb_id is not UNSET:
            field_dict["imdb_id"] = imdb_id
        if tmdb_id is not UNSET:
            field_dict["tmdb_id"] = tmdb_id
        if available_from is not UNSET:
            field_dict["available_from"] = available_from
        if available_until is not UNSET:
            field_dict["available_until"] = available_until
        if availability is not UNSET:
            field_dict["availability"] = availability
        if translations is not UNSET:
            field_dict["translations"] = translations
        if published is not UNSET:
            field_dict["published"] = published
        if movie_id is not UNSET:
            field_dict["movie_id"] = movie_id

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.new_movie_availability_item import NewMovieAvailabilityItem  # noqa: PLC0415
        from ..models.new_movie_translations import NewMovieTranslations  # noqa: PLC0415

        d = dict(src_dict)
        title = d.pop("title")

        create_genres = d.pop("create_genres", UNSET)

        original_title = d.pop("original_title", UNSET)

        def _parse_year(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        year = _parse_year(d.pop("year", UNSET))

        genres = cast(list[str], d.pop("genres", UNSET))

        directors = cast(list[str], d.pop("directors", UNSET))

        actors = cast(list[str], d.pop("actors", UNSET))

        overview = d.pop("overview", UNSET)

        def _parse_poster_url(data: object) -> str | Unset:
            if isinstance(data, Unset):
                return data
            return cast(str | Unset, data)

        poster_url = _parse_poster_url(d.pop("poster_url", UNSET))

        def _parse_runtime(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        runtime = _parse_runtime(d.pop("runtime", UNSET))

        certificate = d.pop("certificate", UNSET)

        def _parse_language(data: object) -> str | Unset:
            if isinstance(data, Unset):
                return data
            return cast(str | Unset, data)

        language = _parse_language(d.pop("language", UNSET))

        _countries = d.pop("countries", UNSET)
        countries: list[NewMovieCountriesItemType0] | Unset = UNSET
        if _countries is not UNSET:
            countries = []
            for countries_item_data in _countries:

                def _parse_countries_item(data: object) -> NewMovieCountriesItemType0:
                    if not isinstance(data, str):
                        raise TypeError()
                    countries_item_type_0 = NewMovieCountriesItemType0(data)

                    return countries_item_type_0

                countries_item = _parse_countries_item(countries_item_data)

                countries.append(countries_item)

        imdb_id = d.pop("imdb_id", UNSET)

        def _parse_tmdb_id(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        tmdb_id = _parse_tmdb_id(d.pop("tmdb_id", UNSET))

        def _parse_available_from(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                available_from_type_0 = datetime.datetime.fromisoformat(data)

                return available_from_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        available_from = _parse_available_from(d.pop("available_from", UNSET))

        def _parse_available_until(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                available_until_type_0 = datetime.datetime.fromisoformat(data)

                return available_until_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        available_until = _parse_available_until(d.pop("available_until", UNSET))

        _availability = d.pop("availability", UNSET)
        availability: list[NewMovieAvailabilityItem] | Unset = UNSET
        if _availability is not UNSET:
            availability = []
            for availability_item_data in _availability:
                availability_item = NewMovieAvailabilityItem.from_dict(availability_item_data)

                availability.append(availability_item)

        _translations = d.pop("translations", UNSET)
        translations: NewMovieTranslations | Unset
        if isinstance(_translations, Unset):
            translations = UNSET
        else:
            translations = NewMovieTranslations.from_dict(_translations)

        published = d.pop("published", UNSET)

        def _parse_movie_id(data: object) -> int | str | Unset:
            if isinstance(data, Unset):
                return data
            return cast(int | str | Unset, data)

        movie_id = _parse_movie_id(d.pop("movie_id", UNSET))

        new_movie = cls(
            title=title,
            create_genres=create_genres,
            original_title=original_title,
            year=year,
            genres=genres,
            directors=directors,
            actors=actors,
            overview=overview,
            poster_url=poster_url,
            runtime=runtime,
            certificate=certificate,
            language=language,
            countries=countries,
            imdb_id=imdb_id,
            tmdb_id=tmdb_id,
            available_from=available_from,
            available_until=available_until,
            availability=availability,
            translations=translations,
            published=published,
            movie_id=movie_id,
        )

        return new_movie
