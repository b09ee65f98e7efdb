"""POST /batch/recommend: lists for many viewers at once. POST /batch/recommend/cache: a job that stores lists."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import services
from catalog.keys import Key, parse_key
from recommender import viewer_keys
from recommender.api.base_view import ApiView
from recommender.api.fast_serializer import FastSerializer
from recommender.api.fields import HistoryIds, JsonInteger, TopK
from recommender.api.jobs import JobAnswerSerializer, create_batch_job, job_body
from recommender.api.list_requests import DetailsField, ListRequestSerializer, TitlesField, to_request
from recommender.api.list_responses import (
    BatchMovieSerializer,
    ListInfoFields,
    list_info,
    recommended_movies,
)
from recommender.api.openapi.operations import BATCH_CACHE_OPERATION, EXAMPLE_HISTORY, operation
from recommender.models import ApiKey, ServedList
from recommender.movies.movie_ids import parse_movie_ids
from recommender.serving import concurrency
from recommender.serving.bulk import recommend_many
from recommender.serving.current_versions import load_movie_ids
from recommender.serving.request import RecommendRequest

MAX_BATCH_VIEWERS = 1000
MAX_EXPLAINED_VIEWERS = 20  # each costs a small batch of the model
# Fields that all viewers of a batch share.
SHARED_FIELDS = (
    *("top_k", "explain", "exclude", "seen", "at", "age_limit", "certificate", "country", "diversity"),
    *("titles", "details"),
)


class HistoriesField(serializers.DictField):
    """The movie ids of each viewer's history, by the viewer's id as text."""

    child = HistoryIds()

    def to_internal_value(self, data: Any) -> dict[str, list[str]]:
        """Return the histories. Raises ValidationError for too many viewers before any history is read."""
        if isinstance(data, Mapping) and len(data) > MAX_BATCH_VIEWERS:
            raise serializers.ValidationError(f"holds {len(data)} viewers; the limit is {MAX_BATCH_VIEWERS}.")
        return dict(super().to_internal_value(data))


class BatchRequestSerializer(ListRequestSerializer):
    titles = TitlesField()
    details = DetailsField()
    user_histories = HistoriesField(help_text="Film ids, oldest first, for each viewer id; empty: the viewer's own.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values. Raises ValidationError where too many viewers want explanations."""
        count = len(values["user_histories"])
        if values["explain"] and count > MAX_EXPLAINED_VIEWERS:
            message = f"is for {MAX_EXPLAINED_VIEWERS} viewers at most; there are {count}."
            raise serializers.ValidationError({"explain": message})
        return values


class AboutSerializer(ListInfoFields):
    pass


class BatchAnswerSerializer(serializers.Serializer):
    results = serializers.DictField(child=BatchMovieSerializer(many=True))
    total_users = serializers.IntegerField()
    success_count = serializers.IntegerField()
    failed_users = serializers.ListField(child=serializers.CharField(), help_text="Keys that are no viewer's id.")
    model_version = serializers.CharField(allow_null=True)
    degraded = serializers.BooleanField()
    lists = serializers.DictField(child=AboutSerializer(), help_text="What is to be known of each list.")


class CacheBatchRequestSerializer(FastSerializer):
    user_histories = HistoriesField(required=False, help_text="Only these viewers; left out: all.")
    active_days = JsonInteger(
        required=False, min_value=1, max_value=36_500, help_text="Only viewers with an event in the last so many days."
    )
    top_k = TopK(50, help_text="How many films each stored list must hold at least.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values. Raises ValidationError where they choose the viewers twice."""
        if "active_days" in values and "user_histories" in values:
            raise serializers.ValidationError({"active_days": "cannot stand beside user_histories, which names them."})
        return values


class CacheBatchRequestExtension(OpenApiSerializerExtension):
    """Describe that either histories or days choose the viewers."""

    target_class = CacheBatchRequestSerializer

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        """Return the schema of the body."""
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return schema | {"dependentSchemas": {"active_days": {"properties": {"user_histories": {"not": {}}}}}}


class BatchJobAnswerSerializer(JobAnswerSerializer):
    failed_users = serializers.ListField(child=serializers.CharField(), help_text="Keys that are no viewer's id.")


class BatchRecommendView(ApiView):
    """Serve POST /batch/recommend."""

    surface = ServedList.Surface.BATCH
    throttle_scope = "batch"

    @contextmanager
    def reading_limits(self, request: Request) -> Iterator[None]:
        """Take a slot for bulk lists before the body is read: a call that is refused costs next to nothing."""
        with super().reading_limits(request), concurrency.BULK_LISTS.slot(), concurrency.bulk_turn():
            yield

    @operation(
        "batch_recommend",
        "Lists for up to 1,000 viewers.",
        BatchAnswerSerializer,
        request=BatchRequestSerializer,
        example={"user_histories": {"123": EXAMPLE_HISTORY[:3], "456": ["318", "527", "858"]}, "top_k": 20},
    )
    def post(self, request: Request) -> Response:
        """Recommend movies to many viewers in one call."""
        with concurrency.BULK_LISTS.slot():
            with concurrency.bulk_turn():
                requests, failed = to_batch_requests(self.validated)
            answers = dict(zip(requests, recommend_many(list(requests.values())), strict=True))
            first = next(iter(answers.values()), None)
            with concurrency.bulk_turn():
                return Response(
                    {
                        "results": {key: recommended_movies(answer) for key, answer in answers.items()},
                        "total_users": len(answers) + len(failed),
                        "success_count": len(answers),
                        "failed_users": failed,
                        "model_version": next((a.model_version for a in answers.values() if a.model_version), None),
                        "degraded": first is not None and first.degraded,
                        "lists": {key: list_info(answer) for key, answer in answers.items()},
                    }
                )


class BatchCacheView(ApiView):
    """Serve POST /batch/recommend/cache."""

    required_scope = ApiKey.Scope.BATCH
    throttle_scope = "batch"

    @operation(
        BATCH_CACHE_OPERATION,
        "Computes and stores lists for all viewers, or for those sent.",
        BatchJobAnswerSerializer,
        status=202,
        request=CacheBatchRequestSerializer,
        example={"user_histories": {"123": EXAMPLE_HISTORY[:3]}, "top_k": 50},
        description="With the header `Idempotency-Key` (1 to 128 printable ASCII characters) the same body sent again "
        "is answered with the same job, and another body with 422.",
    )
    def post(self, request: Request) -> Response:
        """Start a job that computes and stores lists."""
        parameters, failed = batch_job_parameters(self.validated)
        job = create_batch_job(cast(Any, request.auth), request.headers.get("Idempotency-Key"), parameters)
        body = job_body(job) | {"failed_users": failed}
        return Response(body, status=202, headers={"Location": f"/jobs/{job.pk}"})


def to_batch_requests(values: Mapping[str, Any]) -> tuple[dict[str, RecommendRequest], list[str]]:
    """Return a request for each key that is a viewer's id, and the keys that are none."""
    histories = values["user_histories"]
    shared = {name: values[name] for name in SHARED_FIELDS if name in values}
    viewers, failed = _parse_keys(histories)
    ids = viewer_keys.viewer_ids(viewers.values())
    requests = {
        sent: replace(to_request({**shared, "history": histories[sent]}), viewer_id=ids.get(viewer), viewer_key=viewer)
        for sent, viewer in viewers.items()
    }
    return requests, failed


def _parse_keys(sent: Iterable[str]) -> tuple[dict[str, Key], list[str]]:
    """Return the viewers' keys by what was sent, and what is no viewer's."""
    parsed = {text: parse_key(text) for text in sent}
    viewers = {text: key for text, key in parsed.items() if key is not None}
    return viewers, [text for text in parsed if text not in viewers]


def batch_job_parameters(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a batch job's parameters, as JSON, and the keys that are no viewer's id.

    Movies that no catalogue can have are left out. The job names viewers and movies by ids, not by keys: who has a
    text for a key and is not known becomes a viewer, as a list is stored under an id.
    """
    histories = values.get("user_histories")
    if histories is None:
        return {name: values[name] for name in ("top_k", "active_days") if name in values}, []
    viewers, failed = _parse_keys(histories)
    ids = services.ensure_viewers(viewers.values())
    by_viewer = {
        str(ids[viewer]): [str(movie) for movie in load_movie_ids(parse_movie_ids(histories[sent])) if movie]
        for sent, viewer in viewers.items()
    }
    return {"top_k": values["top_k"], "user_histories": by_viewer}, failed
