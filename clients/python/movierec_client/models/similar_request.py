from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.certificate_enum import CertificateEnum
from ..models.country_enum import CountryEnum
from ..models.seen_films import SeenFilms
from ..types import UNSET, Unset

T = TypeVar("T", bound="SimilarRequest")


@_attrs_define
class SimilarRequest:
    """A call that lists page by page. Its values hold the `page`; beside a cursor they are those of the first page.

    Attributes:
        movie_id (int | str):
        cursor (str | Unset): The `next` of a page: goes on behind it. With it only user_id and what may change on the
            way is sent.
        age_limit (int | Unset): Years: no film for older people. The own limit of the viewer holds beside it.
        certificate (CertificateEnum | Unset):
        country (CountryEnum | Unset):
        seen (SeenFilms | Unset): * `exclude` - exclude
            * `include` - include
            * `only` - only Default: SeenFilms.EXCLUDE.
        user_id (int | str | Unset): The site's own id of a viewer.
        top_k (int | Unset):  Default: 20.
        titles (bool | Unset): Whether title, year, genres and poster_url come along. Default: False.
        details (bool | Unset): Whether overview, runtime, certificate, directors and actors come along, beside the
            titles. Default: False.
        language (str | Unset): BCP 47 tag of titles and genres: de, pt-BR. Else Accept-Language, else the viewer's own.
    """

    movie_id: int | str
    cursor: str | Unset = UNSET
    age_limit: int | Unset = UNSET
    certificate: CertificateEnum | Unset = UNSET
    country: CountryEnum | Unset = UNSET
    seen: SeenFilms | Unset = SeenFilms.EXCLUDE
    user_id: int | str | Unset = UNSET
    top_k: int | Unset = 20
    titles: bool | Unset = False
    details: bool | Unset = False
    language: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        movie_id: int | str
        movie_id = self.movie_id

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

        user_id: int | str | Unset
        if isinstance(self.user_id, Unset):
            user_id = UNSET
        else:
            user_id = self.user_id

        top_k = self.top_k

        titles = self.titles

        details = self.details

        language = self.language

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "movie_id": movie_id,
            }
        )
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
        if user_id is not UNSET:
            field_dict["user_id"] = user_id
        if top_k is not UNSET:
            field_dict["top_k"] = top_k
        if titles is not UNSET:
            field_dict["titles"] = titles
        if details is not UNSET:
            field_dict["details"] = details
        if language is not UNSET:
            field_dict["language"] = language

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_movie_id(data: object) -> int | str:
            return cast(int | str, data)

        movie_id = _parse_movie_id(d.pop("movie_id"))

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

        def _parse_user_id(data: object) -> int | str | Unset:
            if isinstance(data, Unset):
                return data
            return cast(int | str | Unset, data)

        user_id = _parse_user_id(d.pop("user_id", UNSET))

        top_k = d.pop("top_k", UNSET)

        titles = d.pop("titles", UNSET)

        details = d.pop("details", UNSET)

        language = d.pop("language", UNSET)

        similar_request = cls(
            movie_id=movie_id,
            cursor=cursor,
            age_limit=age_limit,
            certificate=certificate,
            country=country,
            seen=seen,
            user_id=user_id,
            top_k=top_k,
            titles=titles,
            details=details,
            language=language,
        )

        return similar_request
