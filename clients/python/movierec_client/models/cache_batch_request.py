from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.cache_batch_request_user_histories import CacheBatchRequestUserHistories


T = TypeVar("T", bound="CacheBatchRequest")


@_attrs_define
class CacheBatchRequest:
    """Validate only the fields that were sent: an absent one costs its default, where the base class asks every field.

    One instance serves all requests: it keeps no state.

        Attributes:
            user_histories (CacheBatchRequestUserHistories | Unset): Only these viewers; left out: all.
            active_days (int | Unset): Only viewers with an event in the last so many days.
            top_k (int | Unset): How many films each stored list must hold at least. Default: 50.
    """

    user_histories: CacheBatchRequestUserHistories | Unset = UNSET
    active_days: int | Unset = UNSET
    top_k: int | Unset = 50

    def to_dict(self) -> dict[str, Any]:
        user_histories: dict[str, Any] | Unset = UNSET
        if not isinstance(self.user_histories, Unset):
            user_histories = self.user_histories.to_dict()

        active_days = self.active_days

        top_k = self.top_k

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if user_histories is not UNSET:
            field_dict["user_histories"] = user_histories
        if active_days is not UNSET:
            field_dict["active_days"] = active_days
        if top_k is not UNSET:
            field_dict["top_k"] = top_k

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.cache_batch_request_user_histories import CacheBatchRequestUserHistories  # noqa: PLC0415

        d = dict(src_dict)
        _user_histories = d.pop("user_histories", UNSET)
        user_histories: CacheBatchRequestUserHistories | Unset
        if isinstance(_user_histories, Unset):
            user_histories = UNSET
        else:
            user_histories = CacheBatchRequestUserHistories.from_dict(_user_histories)

        active_days = d.pop("active_days", UNSET)

        top_k = d.pop("top_k", UNSET)

        cache_batch_request = cls(
            user_histories=user_histories,
            active_days=active_days,
            top_k=top_k,
        )

        return cache_batch_request
