"""Where a row of the home page goes on: the call whose list has the row's meaning, and a cursor behind the row."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from rest_framework import serializers

from recommender.api.list_requests import FilterFields
from recommender.serving.paging.page import begin_after

FILTERS = frozenset(FilterFields().fields)
AUDIENCE = frozenset(("user_id", "age_limit", "certificate", "country", "language", "details"))
CHARTS = {"trending": "trending", "trending_for_you": "trending", "new": "latest", "popular": "popular"}
# Kinds of rows that are about a value of a filter.
FILTER_OF_KIND = {"genre": "genres", "popular_genre": "genres", "director": "directors", "actor": "actors"}


class _Call(NamedTuple):
    method: str
    path: str
    list_name: str
    takes: frozenset[str]  # of the home page's parameters
    adds: Mapping[str, Any]


class SeeAllSerializer(serializers.Serializer):
    method = serializers.CharField(help_text="GET or POST.")
    path = serializers.CharField(help_text="Send user_id, where the page has one, and the cursor there.")
    cursor = serializers.CharField(help_text="Goes on behind the films of the row.")


def see_all(
    kind: str, about: str, sent: Mapping[str, Any], movie_ids: Sequence[int], *, data_set: int, model: str | None
) -> dict[str, str] | None:
    """Return how a client goes on behind a row; None where no call lists what the row does.

    `sent`: the parameters of the home page as they came.
    """
    call = _call_of(kind, about, sent)
    if call is None or (set(sent) - {"rows", "row_length", "at"}) - call.takes:
        return None
    parameters = {name: value for name, value in sent.items() if name in call.takes} | dict(call.adds)
    cursor = begin_after(call.list_name, parameters, movie_ids, data_set=data_set, versions=[model])
    return {"method": call.method, "path": call.path, "cursor": cursor}


def _call_of(kind: str, about: str, sent: Mapping[str, Any]) -> _Call | None:
    everything = AUDIENCE | FILTERS | {"exclude"}
    titles = {"titles": True}
    if kind in CHARTS:
        name = CHARTS[kind]
        if kind == "trending_for_you":
            return _Call("GET", "/trending", name, everything | {"at"}, titles | {"personal": True})
        return _Call("GET", f"/{name}", name, everything, titles)
    if kind == "because_you_watched":
        return _Call("GET", f"/similar/{quote(about, safe='')}", f"similar_to:{about}", AUDIENCE, titles)
    if kind == "top_picks" and not FILTERS & set(sent):
        return _Call("GET", "/recommend", "recommend", everything - FILTERS | {"at"}, titles)
    filter_name = FILTER_OF_KIND.get(kind)
    if kind != "top_picks" and (filter_name is None or filter_name in sent):
        return None
    topic = {} if filter_name is None else {filter_name: [about]}
    if kind == "popular_genre" or "user_id" not in sent:
        return _Call("GET", "/popular", "popular", everything, titles | topic)
    return _Call("POST", "/recommend/filtered", "recommend/filtered", everything | {"at"}, topic)
