from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.certificate_enum import CertificateEnum
from ..models.country_enum import CountryEnum
from ..models.seen_films import SeenFilms
from ..types import UNSET, Unset

T = TypeVar("T", bound="FilteredRequest")


@_attrs_define
class FilteredRequest:
    """The attribute filters of a call that lists movies; `to_filters` reads them.

    Attributes:
        genres (list[str] | Unset): Any of them.
        exclude_genres (list[str] | Unset): None of them.
        actors (list[str] | Unset): Any of them.
        directors (list[str] | Unset): Any of them.
        languages (list[str] | Unset): Any of them, as BCP 47 tags: en stands for en-GB too.
        countries (list[str] | Unset): Any of them, of origin: US, GB.
        min_year (int | Unset): Inclusive.
        max_year (int | Unset): Inclusive.
        min_runtime (int | Unset): Minutes, inclusive.
        max_runtime (int | Unset): Minutes, inclusive.
        cursor (str | Unset): The `next` of a page: goes on behind it. With it only user_id and what may change on the
            way is sent.
        age_limit (int | Unset): Years: no film for older people. The own limit of the viewer holds beside it.
        certificate (CertificateEnum | Unset):
        country (CountryEnum | Unset):
        seen (SeenFilms | Unset): * `exclude` - exclude
            * `include` - include
            * `only` - only Default: SeenFilms.EXCLUDE.
        top_k (int | Unset): The pool of films that satisfy the filters. Default: 50.
        at (datetime.datetime | float | Unset): The request time, which the model uses for the gaps between watches.
        exclude (list[int | str] | Unset): Films that must not be listed.
        explain (bool | Unset): Whether each film comes with its reasons: because and fact. Default: False.
        diversity (float | Unset): 0: the best films in order. Towards 1: fewer that are alike, of one series or of one
            director. Default: 0.0.
        user_id (int | str | Unset): The site's own id of a viewer.
        user_ids (list[int | str] | Unset): Two to ten viewers who watch together, in place of user_id and history.
        titles (bool | Unset): Whether title, year, genres and poster_url come along. Default: True.
        details (bool | Unset): Whether overview, runtime, certificate, directors and actors come along, beside the
            titles. Default: False.
        language (str | Unset): BCP 47 tag of titles and genres: de, pt-BR. Else Accept-Language, else the viewer's own.
        liked_genres (list[str] | Unset): For a viewer whose taste is not known yet: popular films, those with more of
            these genres first.
        history (list[int | str] | Unset): Film ids, oldest first, in place of the viewer's own history.
        final_k (int | Unset): How many of the pool are returned. Default: 20.
    """

    genres: list[str] | Unset = UNSET
    exclude_genres: list[str] | Unset = UNSET
    actors: list[str] | Unset = UNSET
    directors: list[str] | Unset = UNSET
    languages: list[str] | Unset = UNSET
    countries: list[str] | Unset = UNSET
    min_year: int | Unset = UNSET
    max_year: int | Unset = UNSET
    min_runtime: int | Unset = UNSET
    max_runtime: int | Unset = UNSET
    cursor: str | Unset = UNSET
    age_limit: int | Unset = UNSET
    certificate: CertificateEnum | Unset = UNSET
    country: CountryEnum | Unset = UNSET
    seen: SeenFilms | Unset = SeenFilms.EXCLUDE
    top_k: int | Unset = 50
    at: datetime.datetime | float | Unset = UNSET
    exclude: list[int | str] | Unset = UNSET
    explain: bool | Unset = False
    diversity: float | Unset = 0.0
    user_id: int | str | Unset = UNSET
    user_ids: list[int | str] | Unset = UNSET
    titles: bool | Unset = True
    details: bool | Unset = False
    language: str | Unset = UNSET
    liked_genres: list[str] | Unset = UNSET
    history: list[int | str] | Unset = UNSET
    final_k: int | Unset = 20

    def to_dict(self) -> dict[str, Any]:
        genres: list[str] | Unset = UNSET
        if not isinstance(self.genres, Unset):
            genres = self.genres

        exclude_genres: list[str] | Unset = UNSET
        if not isinstance(self.exclude_genres, Unset):
            exclude_genres = self.exclude_genres

        actors: list[str] | Unset = UNSET
        if not isinstance(self.actors, Unset):
            actors = self.actors

        directors: list[str] | Unset = UNSET
        if not isinstance(self.directors, Unset):
            directors = self.directors

        languages: list[str] | Unset = UNSET
        if not isinstance(self.languages, Unset):
            languages = self.languages

        countries: list[str] | Unset = UNSET
        if not isinstance(self.countries, Unset):
            countries = self.countries

        min_year = self.min_year

        max_year = self.max_year

        min_runtime = self.min_runtime

        max_runtime = self.max_runtime

        cursor = self.cursor

        age_limit = self.age_limit

        certificate: str | Unset = UNSET
        if not isinstance(self.certificate, Unset):
            certificate = self.certificate.value

        country: str | Unset = UNSET
        if not isinstance(self.country, Unset):
            country = self.country.value

        seen: str | Unset = UNSET
        if not isinstance(self.seen, Unset):
            seen = self.seen.value

        top_k = self.top_k

        at: float | str | Unset
        if isinstance(self.at, Unset):
            at = UNSET
        elif isinstance(self.at, datetime.datetime):
            at = self.at.isoformat()
        else:
            at = self.at

        exclude: list[int | str] | Unset = UNSET
        if not isinstance(self.exclude, Unset):
            exclude = []
            for exclude_item_data in self.exclude:
                exclude_item: int | str
                exclude_item = exclude_item_data
                exclude.append(exclude_item)

        explain = self.explain

        diversity = self.diversity

        user_id: int | str | Unset
        if isinstance(self.user_id, Unset):
            user_id = UNSET
        else:
            user_id = self.user_id

        user_ids: list[int | str] | Unset = UNSET
        if not isinstance(self.user_ids, Unset):
            user_ids = []
            for user_ids_item_data in self.user_ids:
                user_ids_item: int | str
                user_ids_item = user_ids_item_data
                user_ids.append(user_ids_item)

        titles = self.titles

        details = self.details

        language = self.language

        liked_genres: list[str] | Unset = UNSET
        if not isinstance(self.liked_genres, Unset):
            liked_genres = self.liked_genres

        history: list[int | str] | Unset = UNSET
        if not isinstance(self.history, Unset):
            history = []
            for history_item_data in self.history:
                history_item: int | str
                history_item = history_item_data
                history.append(history_item)

        final_k = self.final_k

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if genres is not UNSET:
            field_dict["genres"] = genres
        if exclude_genres is not UNSET:
            field_dict["exclude_genres"] = exclude_genres
        if actors is not UNSET:
            field_dict["actors"] = actors
        if directors is not UNSET:
            field_dict["directors"] = directors
        if languages is not UNSET:
            field_dict["languages"] = languages
        if countries is not UNSET:
            field_dict["countries"] = countries
        if min_year is not UNSET:
            field_dict["min_year"] = min_year
        if max_year is not UNSET:
            field_dict["max_year"] = max_year
        if min_runtime is not UNSET:
            field_dict["min_runtime"] = min_runtime
        if max_runtime is not UNSET:
            field_dict["max_runtime"] = max_runtime
        if cursor is not UNSET:
            field_dict["cursor"] = cursor
        if age_limit is not UNSET:
            field_dict["age_limit"] = age_limit
        if certificate is not UNSET:
            field_dict["certificate"] = certificate
        if country is not UNSET:
            field_dict["country"] = country
        if seen is not UNSET:
            field_dict["seen"] = seen
        if top_k is not UNSET:
            field_dict["top_k"] = top_k
        if at is not UNSET:
            field_dict["at"] = at
        if exclude is not UNSET:
            field_dict["exclude"] = exclude
        if explain is not UNSET:
            field_dict["explain"] = explain
        if diversity is not UNSET:
            field_dict["diversity"] = diversity
        if user_id is not UNSET:
            field_dict["user_id"] = user_id
        if user_ids is not UNSET:
            field_dict["user_ids"] = user_ids
        if titles is not UNSET:
            field_dict["titles"] = titles
        if details is not UNSET:
            field_dict["details"] = details
        if language is not UNSET:
            field_dict["language"] = language
        if liked_genres is not UNSET:
            field_dict["liked_genres"] = liked_genres
        if history is not UNSET:
            field_dict["history"] = history
        if final_k is not UNSET:
            field_dict["final_k"] = final_k

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        genres = cast(list[str], d.pop("genres", UNSET))

        exclude_genres = cast(list[str], d.pop("exclude_genres", UNSET))

        actors = cast(list[str], d.pop("actors", UNSET))

        directors = cast(list[str], d.pop("directors", UNSET))

        languages = cast(list[str], d.pop("languages", UNSET))

        countries = cast(list[str], d.pop("countries", UNSET))

        min_year = d.pop("min_year", UNSET)

        max_year = d.pop("max_year", UNSET)

        min_runtime = d.pop("min_runtime", UNSET)

        max_runtime = d.pop("max_runtime", UNSET)

        cursor = d.pop("cursor", UNSET)

        age_limit = d.pop("age_limit", UNSET)

        _certificate = d.pop("certificate", UNSET)
        certificate: CertificateEnum | Unset
        if isinstance(_certificate, Unset):
            certificate = UNSET
        else:
            certificate = CertificateEnum(_certificate)

        _country = d.pop("country", UNSET)
        country: CountryEnum | Unset
        if isinstance(_country, Unset):
            country = UNSET
        else:
            country = CountryEnum(_country)

        _seen = d.pop("seen", UNSET)
        seen: SeenFilms | Unset
        if isinstance(_seen, Unset):
            seen = UNSET
        else:
            seen = SeenFilms(_seen)

        top_k = d.pop("top_k", UNSET)

        def _parse_at(data: object) -> datetime.datetime | float | Unset:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                at_type_1 = datetime.datetime.fromisoformat(data)

                return at_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | float | Unset, data)

        at = _parse_at(d.pop("at", UNSET))

        _exclude = d.pop("exclude", UNSET)
        exclude: list[int | str] | Unset = UNSET
        if _exclude is not UNSET:
            exclude = []
            for exclude_item_data in _exclude:

                def _parse_exclude_item(data: object) -> int | str:
                    return cast(int | str, data)

                exclude_item = _parse_exclude_item(exclude_item_data)

                exclude.append(exclude_item)

        explain = d.pop("explain", UNSET)

        diversity = d.pop("diversity", UNSET)

        def _parse_user_id(data: object) -> int | str | Unset:
            if isinstance(data, Unset):
                return data
            return cast(int | str | Unset, data)

        user_id = _parse_user_id(d.pop("user_id", UNSET))

        _user_ids = d.pop("user_ids", UNSET)
        user_ids: list[int | str] | Unset = UNSET
        if _user_ids is not UNSET:
            user_ids = []
            for user_ids_item_data in _user_ids:

                def _parse_user_ids_item(data: object) -> int | str:
                    return cast(int | str, data)

                user_ids_item = _parse_user_ids_item(user_ids_item_data)

                user_ids.append(user_ids_item)

        titles = d.pop("titles", UNSET)

        details = d.pop("details", UNSET)

        language = d.pop("language", UNSET)

        liked_genres = cast(list[str], d.pop("liked_genres", UNSET))

        _history = d.pop("history", UNSET)
        history: list[int | str] | Unset = UNSET
        if _history is not UNSET:
            history = []
            for history_item_data in _history:

                def _parse_history_item(data: object) -> int | str:
                    return cast(int | str, data)

                history_item = _parse_history_item(history_item_data)

                history.append(history_item)

        final_k = d.pop("final_k", UNSET)

        filtered_request = cls(
            genres=genres,
            exclude_genres=exclude_genres,
            actors=actors,
            directors=directors,
            languages=languages,
            countries=countries,
            min_year=min_year,
            max_year=max_year,
            min_runtime=min_runtime,
            max_runtime=max_runtime,
            cursor=cursor,
            age_limit=age_limit,
            certificate=certificate,
            country=country,
            seen=seen,
            top_k=top_k,
            at=at,
            exclude=exclude,
            explain=explain,
            diversity=diversity,
            user_id=user_id,
            user_ids=user_ids,
            titles=titles,
            details=details,
            language=language,
            liked_genres=liked_genres,
            history=history,
            final_k=final_k,
        )

        return filtered_request
