from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="MergeRequest")


@_attrs_define
class MergeRequest:
    """Validate only the fields that were sent: an absent one costs its default, where the base class asks every field.

    One instance serves all requests: it keeps no state.

        Attributes:
            from_user_id (int | str): The site's own id of a viewer.
            into_user_id (int | str): The site's own id of a viewer.
    """

    from_user_id: int | str
    into_user_id: int | str

    def to_dict(self) -> dict[str, Any]:
        from_user_id: int | str
        from_user_id = self.from_user_id

        into_user_id: int | str
        into_user_id = self.into_user_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "from_user_id": from_user_id,
                "into_user_id": into_user_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_from_user_id(data: object) -> int | str:
            return cast(int | str, data)

        from_user_id = _parse_from_user_id(d.pop("from_user_id"))

        def _parse_into_user_id(data: object) -> int | str:
            return cast(int | str, data)

        into_user_id = _parse_into_user_id(d.pop("into_user_id"))

        merge_request = cls(
            from_user_id=from_user_id,
            into_user_id=into_user_id,
        )

        return merge_request
