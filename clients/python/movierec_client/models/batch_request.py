from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.certificate_enum import CertificateEnum
from ..models.country_enum import CountryEnum
from ..models.seen_films import SeenFilms
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.batch_request_user_histories import BatchRequestUserHistories


T = TypeVar("T", bound="BatchRequest")


@_attrs_define
class BatchRequest:
    """The fields of every request for a personal list.

    Attributes:
        user_histories (BatchRequestUserHistories): Film ids, oldest first, for each viewer id; empty: the viewer's own.
        age_limit (int | Unset): Years: no film for older people. The own limit of the viewer holds beside it.
        certificate (CertificateEnum | Unset):
        country (CountryEnum | Unset):
        seen (SeenFilms | Unset): * `exclude` - exclude
            * `include` - include
            * `only` - only Default: SeenFilms.EXCLUDE.
        top_k (int | Unset): How many films at most. Default: 20.
        at (datetime.datetime | float | Unset): The request time, which the model uses for the gaps between watches.
        exclude (list[int | str] | Unset): Films that must not be listed.
        explain (bool | Unset): Whether each film comes with its reasons: because and fact. Default: False.
        diversity (float | Unset): 0: the best films in order. Towards 1: fewer that are alike, of one series or of one
            director. Default: 0.0.
        titles (bool | Unset): Whether title, year, genres and poster_url come along. Default: False.
        details (bool | Unset): Whether overview, runtime, certificate, directors and actors come along, beside the
            titles. Default: False.
    """

    user_histories: BatchRequestUserHistories
    age_limit: int | Unset = UNSET
    certificate: CertificateEnum | Unset = UNSET
    country: CountryEnum | Unset = UNSET
    seen: SeenFilms | Unset = SeenFilms.EXCLUDE
    top_k: int | Unset = 20
    at: datetime.datetime | float | Unset = UNSET
    exclude: list[int | str] | Unset = UNSET
    explain: bool | Unset = False
    diversity: float | Unset = 0.0
    titles: bool | Unset = False
    details: bool | Unset = False

    def to_dict(self) -> dict[str, Any]:
        user_histories = self.user_histories.to_dict()

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

        titles = self.titles

        details = self.details

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "user_histories": user_histories,
            }
        )
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
        if titles is not UNSET:
            field_dict["titles"] = titles
        if details is not UNSET:
            field_dict["details"] = details

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_request_user_histories import BatchRequestUserHistories  # noqa: PLC0415

        d = dict(src_dict)
        user_histories = BatchRequestUserHistories.from_dict(d.pop("user_histories"))

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

        titles = d.pop("titles", UNSET)

        details = d.pop("details", UNSET)

        batch_request = cls(
            user_histories=user_histories,
            age_limit=age_limit,
            certificate=certificate,
            country=country,
            seen=seen,
            top_k=top_k,
            at=at,
            exclude=exclude,
            explain=explain,
            diversity=diversity,
            titles=titles,
            details=details,
        )

        return batch_request
