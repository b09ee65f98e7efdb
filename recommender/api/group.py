"""Viewers who watch together: `user_ids` in the calls that make a list."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.limits import MAX_ID
from recommender.api.fields import as_integer
from recommender.serving.pipeline import recommend
from recommender.serving.request import RecommendRequest
from recommender.serving.response import Answer

MIN_VIEWERS, MAX_VIEWERS = 2, 10
_VIEWER_ID_SCHEMA = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
SINGLE_VIEWER_FIELDS = ("user_id", "history")  # of one viewer
GROUP_ONLY_SCHEMA = {
    "properties": {"user_id": {"not": {}}, "history": {"type": "array", "maxItems": 0}}
}  # beside user_ids


@extend_schema_field(
    {"type": "array", "items": _VIEWER_ID_SCHEMA, "minItems": MIN_VIEWERS, "maxItems": MAX_VIEWERS, "uniqueItems": True}
)
class ViewerIds(serializers.Field):
    """The ids of two to ten viewers."""

    def __init__(self, **options: Any) -> None:
        words = "Two to ten viewers who watch together, in place of user_id and history."
        super().__init__(help_text=words, **options)

    def to_internal_value(self, data: Any) -> list[int]:
        if not isinstance(data, list):
            raise serializers.ValidationError("must be a list of viewer ids.")
        if not MIN_VIEWERS <= len(data) <= MAX_VIEWERS:
            raise serializers.ValidationError(
                f"holds {len(data)} viewers; the limits are {MIN_VIEWERS} and {MAX_VIEWERS}."
            )
        viewers = [as_integer(one) for one in data]
        wrong = {
            str(place): [f"must be an integer from 1 to {MAX_ID}."]
            for place, one in enumerate(viewers)
            if one is None or not 1 <= one <= MAX_ID
        }
        if wrong:
            raise serializers.ValidationError(wrong)
        if len(set(viewers)) < len(viewers):
            raise serializers.ValidationError("names a viewer twice.")
        return [one for one in viewers if one is not None]


def reject_single_viewer_fields(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a request for several viewers. Raises ValidationError where they name one viewer besides."""
    wrong = {name: "cannot stand beside user_ids." for name in SINGLE_VIEWER_FIELDS if values.get(name)}
    if wrong:
        raise serializers.ValidationError(wrong)
    return values


def answer(asked: RecommendRequest) -> Answer:
    return recommend(asked)


def with_user_ids(asked: RecommendRequest, body: dict[str, Any]) -> dict[str, Any]:
    """The answer, with the viewers where there are several."""
    return body | {"user_ids": list(asked.viewer_ids)} if asked.viewer_ids else body
