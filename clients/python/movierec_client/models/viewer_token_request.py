from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.token_scope import TokenScope
from ..types import UNSET, Unset

T = TypeVar("T", bound="ViewerTokenRequest")


@_attrs_define
class ViewerTokenRequest:
    """Validate only the fields that were sent: an absent one costs its default, where the base class asks every field.

    One instance serves all requests: it keeps no state.

        Attributes:
            user_id (int | str): The site's own id of a viewer.
            seconds (int | Unset): How long it is good for. Default: 900.
            scopes (list[TokenScope] | Unset): read: lists, films and the viewer's own history. events: POST /events for the
                viewer. import: POST /users/{id}/history. data: GET and DELETE /users/{id}/data.
            companions (list[int | str] | Unset): Other viewers whom the token may name beside its own, in user_ids of lists
                for several.
    """

    user_id: int | str
    seconds: int | Unset = 900
    scopes: list[TokenScope] | Unset = UNSET
    companions: list[int | str] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        user_id: int | str
        user_id = self.user_id

        seconds = self.seconds

        scopes: list[str] | Unset = UNSET
        if not isinstance(self.scopes, Unset):
            scopes = []
            for scopes_item_data in self.scopes:
                scopes_item = scopes_item_data.value
                scopes.append(scopes_item)

        companions: list[int | str] | Unset = UNSET
        if not isinstance(self.companions, Unset):
            companions = []
            for companions_item_data in self.companions:
                companions_item: int | str
                companions_item = companions_item_data
                companions.append(companions_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "user_id": user_id,
            }
        )
        if seconds is not UNSET:
            field_dict["seconds"] = seconds
        if scopes is not UNSET:
            field_dict["scopes"] = scopes
        if companions is not UNSET:
            field_dict["companions"] = companions

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_user_id(data: object) -> int | str:
            return cast(int | str, data)

        user_id = _parse_user_id(d.pop("user_id"))

        seconds = d.pop("seconds", UNSET)

        _scopes = d.pop("scopes", UNSET)
        scopes: list[TokenScope] | Unset = UNSET
        if _scopes is not UNSET:
            scopes = []
            for scopes_item_data in _scopes:
                scopes_item = TokenScope(scopes_item_data)

                scopes.append(scopes_item)

        _companions = d.pop("companions", UNSET)
        companions: list[int | str] | Unset = UNSET
        if _companions is not UNSET:
            companions = []
            for companions_item_data in _companions:

                def _parse_companions_item(data: object) -> int | str:
                    return cast(int | str, data)

                companions_item = _parse_companions_item(companions_item_data)

                companions.append(companions_item)

        viewer_token_request = cls(
            user_id=user_id,
            seconds=seconds,
            scopes=scopes,
            companions=companions,
        )

        return viewer_token_request
