"""The typed contract: OpenAPI for each call, with an example that a test sends."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiExample

from catalog.api.strict import operation as described
from recommender.api import list_requests as asked
from recommender.api import list_responses
from recommender.api.group import GROUP_ONLY_SCHEMA
from recommender.api.http.errors import PROBLEM_JSON
from recommender.models import ApiKey

BATCH_CACHE_OPERATION = "batch_recommend_cache"
ERROR_RESPONSES = {("default", PROBLEM_JSON): list_responses.ProblemSerializer}
EXAMPLE_HISTORY = ["1", "50", "260", "1210"]


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "recommender.api.access.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        """Reads may be open on the machine itself, where the operator has opened them."""
        scope = getattr(auto_schema.view, "required_scope", ApiKey.Scope.READ)
        needed: list[dict[str, list[str]]] = [{self.name: []}]
        return [*needed, {}] if scope == ApiKey.Scope.READ else needed

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key <key>`; keys come from `manage.py api_key create`.",
        }


class ViewerTokenScheme(OpenApiAuthenticationExtension):
    target_class = "recommender.api.access.viewer_token_auth.ViewerTokenAuthentication"
    name = "ViewerToken"

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        return [{self.name: []}] if getattr(auto_schema.view, "allow_viewer_token", False) else []

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Viewer-Token <token>`: one viewer's reads; tokens come from `POST /viewer-tokens`.",
        }


class RecommendRequestExtension(OpenApiSerializerExtension):
    """A viewer, several, a history, or liked genres."""

    target_class = "recommender.api.list_requests.RecommendRequestSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        some = [_non_empty(name) for name in ("history", "liked_genres")]
        either = [{"required": ["user_id"]}, {"required": ["user_ids"]}, *some]
        return schema | {"anyOf": either, "dependentSchemas": {"user_ids": GROUP_ONLY_SCHEMA}}


def _non_empty(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"type": "array", "minItems": 1}}}


class EventRequestExtension(OpenApiSerializerExtension):
    """A rating event has stars."""

    target_class = "recommender.api.list_requests.EventRequestSerializer"

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        another = {"properties": {"kind": {"not": {"const": "rating"}}}}
        return schema | {"anyOf": [another, {"required": ["rating"]}]}


class CacheBatchRequestExtension(OpenApiSerializerExtension):
    """Histories name the viewers, or days do."""

    target_class = "recommender.api.list_requests.CacheBatchRequestSerializer"

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return schema | {"dependentSchemas": {"active_days": {"properties": {"user_histories": {"not": {}}}}}}


class EventsBodyExtension(OpenApiSerializerExtension):
    """One event, or many in two forms. In a list an object that is no event is no error of the whole: it is answered
    in its place."""

    target_class = "recommender.api.list_requests.EventsBodySerializer"

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        event = auto_schema.resolve_serializer(asked.EventRequestSerializer, direction).ref
        many = {
            "type": "array",
            "items": {"anyOf": [event, {"type": "object"}]},
            "minItems": 1,
            "maxItems": asked.MAX_EVENTS,
        }
        wrapped = {"type": "object", "properties": {"events": many}, "required": ["events"]}
        return {"anyOf": [event, many, wrapped | {"additionalProperties": False}]}


def require_bodies(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A body is needed even where each of its fields alone may be left out; for everyone's batch there is none."""
    for calls in result["paths"].values():
        for call in calls.values():
            if "requestBody" in call and call["operationId"] != BATCH_CACHE_OPERATION:
                call["requestBody"]["required"] = True
    return result


def close_bodies(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """What a body's schema does not name is refused; StrictView sees to it."""
    schemas = result["components"]["schemas"]
    for calls in result["paths"].values():
        for call in calls.values():
            body = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            for one in (body, *body.get("anyOf", ())):
                name = one.get("$ref", "").rpartition("/")[2]
                if name in schemas:
                    schemas[name].setdefault("additionalProperties", False)
    return result


def operation(
    operation_id: str, summary: str, answer: Any, *, example: Any = None, status: int = 200, **more: Any
) -> Any:
    examples = [OpenApiExample(operation_id, value=example, request_only=True)] if example is not None else []
    return described(
        operation_id=operation_id,
        summary=summary,
        responses={status: answer, **ERROR_RESPONSES},
        examples=examples,
        tags=[operation_id.split("_")[0]],
        **more,
    )


recommend_get = operation(
    "recommend_stored",
    "A viewer's list, from the shelf where it is still true.",
    list_responses.RecommendAnswerSerializer,
    parameters=[asked.RecommendQuerySerializer],
)
recommend_post = operation(
    "recommend",
    "A list for a viewer, or for a history that comes along.",
    list_responses.RecommendAnswerSerializer,
    request=asked.RecommendRequestSerializer,
    example={"user_id": 123, "history": EXAMPLE_HISTORY, "top_k": 20},
)
filtered = operation(
    "recommend_filtered",
    "The best films among those that satisfy the filters.",
    list_responses.FilteredAnswerSerializer,
    request=asked.FilteredRequestSerializer,
    example={
        "user_id": 123,
        "history": EXAMPLE_HISTORY[:3],
        "genres": ["Action", "Sci-Fi"],
        "min_year": 1970,
        "max_year": 2023,
        "top_k": 50,
        "final_k": 20,
    },
)
similar = operation(
    "similar",
    "Films like a film.",
    list_responses.SimilarAnswerSerializer,
    request=asked.SimilarRequestSerializer,
    example={"movie_id": "1", "top_k": 20},
)
batch = operation(
    "batch_recommend",
    "Lists for up to 1,000 viewers.",
    list_responses.BatchAnswerSerializer,
    request=asked.BatchRequestSerializer,
    example={"user_histories": {"123": EXAMPLE_HISTORY[:3], "456": ["318", "527", "858"]}, "top_k": 20},
)
batch_cache = operation(
    BATCH_CACHE_OPERATION,
    "Computes and stores lists for all viewers, or for those sent.",
    list_responses.BatchJobAnswerSerializer,
    status=202,
    request=asked.CacheBatchRequestSerializer,
    example={"user_histories": {"123": EXAMPLE_HISTORY[:3]}, "top_k": 50},
    description="With the header `Idempotency-Key` (1 to 128 printable ASCII characters) the same body sent again is "
    "answered with the same job, and another body with 422.",
)
job = operation("jobs_read", "How a job is getting on.", list_responses.JobAnswerSerializer)
events = operation(
    "events",
    "What viewers did: one event, or up to 1,000, each judged alone.",
    list_responses.EventsAnswerSerializer,
    request=asked.EventsBodySerializer,
    example={"user_id": 123, "movie_id": "260", "kind": "watch", "completion": 1.0},
)
live = operation("health_live", "Whether the process answers.", list_responses.LiveAnswerSerializer)
system = described(
    operation_id="health_system",
    summary="Every part of the system: processes, servers, disks, model, nights, schedules, queues.",
    responses={
        200: list_responses.SystemAnswerSerializer,
        503: list_responses.SystemAnswerSerializer,
        **ERROR_RESPONSES,
    },
    tags=["health"],
)
ready = described(
    operation_id="health_ready",
    summary="Whether it can serve a recommendation; else which part cannot.",
    responses={200: list_responses.ReadyAnswerSerializer, 503: list_responses.ReadyAnswerSerializer},
    tags=["health"],
)
