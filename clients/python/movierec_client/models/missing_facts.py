from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.lacking import Lacking


T = TypeVar("T", bound="MissingFacts")


@_attrs_define
class MissingFacts:
    """
    Attributes:
        poster (Lacking): How many films lack a fact. Null: they were not counted, as there are too many events to be
            read.
        certificate (Lacking): How many films lack a fact. Null: they were not counted, as there are too many events to
            be read.
        overview (Lacking): How many films lack a fact. Null: they were not counted, as there are too many events to be
            read.
        year (Lacking): How many films lack a fact. Null: they were not counted, as there are too many events to be
            read.
        runtime (Lacking): How many films lack a fact. Null: they were not counted, as there are too many events to be
            read.
        genres (Lacking): How many films lack a fact. Null: they were not counted, as there are too many events to be
            read.
        people (Lacking): How many films lack a fact. Null: they were not counted, as there are too many events to be
            read.
        language (Lacking): How many films lack a fact. Null: they were not counted, as there are too many events to be
            read.
        countries (Lacking): How many films lack a fact. Null: they were not counted, as there are too many events to be
            read.
        imdb_id (Lacking): How many films lack a fact. Null: they were not counted, as there are too many events to be
            read.
        tmdb_id (Lacking): How many films lack a fact. Null: they were not counted, as there are too many events to be
            read.
        availability (Lacking): How many films lack a fact. Null: they were not counted, as there are too many events to
            be read.
        events (Lacking): How many films lack a fact. Null: they were not counted, as there are too many events to be
            read.
    """

    poster: Lacking
    certificate: Lacking
    overview: Lacking
    year: Lacking
    runtime: Lacking
    genres: Lacking
    people: Lacking
    language: Lacking
    countries: Lacking
    imdb_id: Lacking
    tmdb_id: Lacking
    availability: Lacking
    events: Lacking
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        poster = self.poster.to_dict()

        certificate = self.certificate.to_dict()

        overview = self.overview.to_dict()

        year = self.year.to_dict()

        runtime = self.runtime.to_dict()

        genres = self.genres.to_dict()

        people = self.people.to_dict()

        language = self.language.to_dict()

        countries = self.countries.to_dict()

        imdb_id = self.imdb_id.to_dict()

        tmdb_id = self.tmdb_id.to_dict()

        availability = self.availability.to_dict()

        events = self.events.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "poster": poster,
                "certificate": certificate,
                "overview": overview,
                "year": year,
                "runtime": runtime,
                "genres": genres,
                "people": people,
                "language": language,
                "countries": countries,
                "imdb_id": imdb_id,
                "tmdb_id": tmdb_id,
                "availability": availability,
                "events": events,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.lacking import Lacking  # noqa: PLC0415

        d = dict(src_dict)
        poster = Lacking.from_dict(d.pop("poster"))

        certificate = Lacking.from_dict(d.pop("certificate"))

        overview = Lacking.from_dict(d.pop("overview"))

        year = Lacking.from_dict(d.pop("year"))

        runtime = Lacking.from_dict(d.pop("runtime"))

        genres = Lacking.from_dict(d.pop("genres"))

        people = Lacking.from_dict(d.pop("people"))

        language = Lacking.from_dict(d.pop("language"))

        countries = Lacking.from_dict(d.pop("countries"))

        imdb_id = Lacking.from_dict(d.pop("imdb_id"))

        tmdb_id = Lacking.from_dict(d.pop("tmdb_id"))

        availability = Lacking.from_dict(d.pop("availability"))

        events = Lacking.from_dict(d.pop("events"))

        missing_facts = cls(
            poster=poster,
            certificate=certificate,
            overview=overview,
            year=year,
            runtime=runtime,
            genres=genres,
            people=people,
            language=language,
            countries=countries,
            imdb_id=imdb_id,
            tmdb_id=tmdb_id,
            availability=availability,
            events=events,
        )

        missing_facts.additional_properties = d
        return missing_facts

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
