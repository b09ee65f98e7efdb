from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.movie import Movie
    from ..models.movie_page_facets import MoviePageFacets
    from ..models.movie_page_suggestions import MoviePageSuggestions
    from ..models.movie_page_unknown_names import MoviePageUnknownNames


T = TypeVar("T", bound="MoviePage")


@_attrs_define
class MoviePage:
    """A page of movies.

    Attributes:
        results (list[Movie]):
        next_ (None | str): The address of the next page; null on the last.
        unknown_names (MoviePageUnknownNames | Unset): By filter: names that the catalogue does not have.
        suggestions (MoviePageSuggestions | Unset): By filter, for unknown names: names of the catalogue that are near.
        unknown_ids (list[str] | Unset): With ids: those of no film that is shown.
        facets (MoviePageFacets | Unset): By facet: its values and their films.
    """

    results: list[Movie]
    next_: None | str
    unknown_names: MoviePageUnknownNames | Unset = UNSET
    suggestions: MoviePageSuggestions | Unset = UNSET
    unknown_ids: list[str] | Unset = UNSET
    facets: MoviePageFacets | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        results = []
        for results_item_data in self.results:
            results_item = results_item_data.to_dict()
            results.append(results_item)

        next_: None | str
        next_ = self.next_

        unknown_names: dict[str, Any] | Unset = UNSET
        if not isinstance(self.unknown_names, Unset):
            unknown_names = self.unknown_names.to_dict()

        suggestions: dict[str, Any] | Unset = UNSET
        if not isinstance(self.suggestions, Unset):
            suggestions = self.suggestions.to_dict()

        unknown_ids: list[str] | Unset = UNSET
        if not isinstance(self.unknown_ids, Unset):
            unknown_ids = self.unknown_ids

        facets: dict[str, Any] | Unset = UNSET
        if not isinstance(self.facets, Unset):
            facets = self.facets.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "results": results,
                "next": next_,
            }
        )
        if unknown_names is not UNSET:
            field_dict["unknown_names"] = unknown_names
        if suggestions is not UNSET:
            field_dict["suggestions"] = suggestions
        if unknown_ids is not UNSET:
            field_dict["unknown_ids"] = unknown_ids
        if facets is not UNSET:
            field_dict["facets"] = facets

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.movie import Movie  # noqa: PLC0415
        from ..models.movie_page_facets import MoviePageFacets  # noqa: PLC0415
        from ..models.movie_page_suggestions import MoviePageSuggestions  # noqa: PLC0415
        from ..models.movie_page_unknown_names import MoviePageUnknownNames  # noqa: PLC0415

        d = dict(src_dict)
        results = []
        _results = d.pop("results")
        for results_item_data in _results:
            results_item = Movie.from_dict(results_item_data)

            results.append(results_item)

        def _parse_next_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

        _unknown_names = d.pop("unknown_names", UNSET)
        unknown_names: MoviePageUnknownNames | Unset
        if isinstance(_unknown_names, Unset):
            unknown_names = UNSET
        else:
            unknown_names = MoviePageUnknownNames.from_dict(_unknown_names)

        _suggestions = d.pop("suggestions", UNSET)
        suggestions: MoviePageSuggestions | Unset
        if isinstance(_suggestions, Unset):
            suggestions = UNSET
        else:
            suggestions = MoviePageSuggestions.from_dict(_suggestions)

        unknown_ids = cast(list[str], d.pop("unknown_ids", UNSET))

        _facets = d.pop("facets", UNSET)
        facets: MoviePageFacets | Unset
        if isinstance(_facets, Unset):
            facets = UNSET
        else:
            facets = MoviePageFacets.from_dict(_facets)

        movie_page = cls(
            results=results,
            next_=next_,
            unknown_names=unknown_names,
            suggestions=suggestions,
            unknown_ids=unknown_ids,
            facets=facets,
        )

        movie_page.additional_properties = d
        return movie_page

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
