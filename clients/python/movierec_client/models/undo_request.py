from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from attrs import define as _attrs_define

T = TypeVar("T", bound="UndoRequest")


@_attrs_define
class UndoRequest:
    """Validate only the fields that were sent: an absent one costs its default, where the base class asks every field.

    One instance serves all requests: it keeps no state.

        Attributes:
            merge_id (UUID): From the answer of the merge.
    """

    merge_id: UUID

    def to_dict(self) -> dict[str, Any]:
        merge_id = str(self.merge_id)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "merge_id": merge_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        merge_id = UUID(d.pop("merge_id"))

        undo_request = cls(
            merge_id=merge_id,
        )

        return undo_request
