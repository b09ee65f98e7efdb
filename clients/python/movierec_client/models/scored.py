from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.because import Because


T = TypeVar("T", bound="Scored")


@_attrs_define
class Scored:
    """
    Attributes:
        movie_id (str):
        score (float): Higher is better; comparable within one list only.
        overview (str | Unset): With details.
        runtime (int | None | Unset): With details: minutes.
        certificate (str | Unset): With details.
        directors (list[str] | Unset): With details.
        actors (list[str] | Unset): With details: in billing order.
        because (list[Because] | Unset): With explain: what raised the score most; may be empty.
        fact (str | Unset): With explain: what it has in common with them, or empty.
        title (None | str | Unset):
        genres (list[str] | Unset):
        year (int | None | Unset):
        poster_url (str | Unset):
    """

    movie_id: str
    score: float
    overview: str | Unset = UNSET
    runtime: int | None | Unset = UNSET
    certificate: str | Unset = UNSET
    directors: list[str] | Unset = UNSET
    actors: list[str] | Unset = UNSET
    because: list[Because] | Unset = UNSET
    fact: str | Unset = UNSET
    title: None | str | Unset = UNSET
    genres: list[str] | Unset = UNSET
    year: int | None | Unset = UNSET
    poster_url: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        movie_id = self.movie_id

        score = self.score

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

        because: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.because, Unset):
            because = []
            for because_item_data in self.because:
                because_item = because_item_data.to_dict()
                because.append(because_item)

        fact = self.fact

        title: None | str | Unset
        if isinstance(self.title, Unset):
            title = UNSET
        else:
            title = self.title

        genres: list[str] | Unset = UNSET
        if not isinstance(self.genres, Unset):
            genres = self.genres

        year: int | None | Unset
        if isinstance(self.year, Unset):
            year = UNSET
        else:
            year = self.year

        poster_url = self.poster_url

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "movie_id": movie_id,
                "score": score,
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
        if because is not UNSET:
            field_dict["because"] = because
        if fact is not UNSET:
            field_dict["fact"] = fact
        if title is not UNSET:
            field_dict["title"] = title
        if genres is not UNSET:
            field_dict["genres"] = genres
        if year is not UNSET:
            field_dict["year"] = year
        if poster_url is not UNSET:
            field_dict["poster_url"] = poster_url

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.because import Because  # noqa: PLC0415

        d = dict(src_dict)
        movie_id = d.pop("movie_id")

        score = d.pop("score")

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

        _because = d.pop("because", UNSET)
        because: list[Because] | Unset = UNSET
        if _because is not UNSET:
            because = []
            for because_item_data in _because:
                because_item = Because.from_dict(because_item_data)

                because.append(because_item)

        fact = d.pop("fact", UNSET)

        def _parse_title(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        title = _parse_title(d.pop("title", UNSET))

        genres = cast(list[str], d.pop("genres", UNSET))

        def _parse_year(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        year = _parse_year(d.pop("year", UNSET))

        poster_url = d.pop("poster_url", UNSET)

        scored = cls(
            movie_id=movie_id,
            score=score,
            overview=overview,
            runtime=runtime,
            certificate=certificate,
            directors=directors,
            actors=actors,
            because=because,
            fact=fact,
            title=title,
            genres=genres,
            year=year,
            poster_url=poster_url,
        )

        scored.additional_properties = d
        return scored

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
