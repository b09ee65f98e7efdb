"""The OpenAPI contract: how a view describes its call, how callers authenticate, and what holds for every call."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from catalog.api.strict import operation as bare_operation
from recommender.api.http.errors import PROBLEM_JSON
from recommender.models import ApiKey

BATCH_CACHE_OPERATION = "batch_recommend_cache"  # for everyone it needs no body
EXAMPLE_HISTORY = ["1", "50", "260", "1210"]


class ProblemErrorSerializer(serializers.Serializer):
    pointer = serializers.CharField(required=False, help_text="JSON pointer into the body.")
    parameter = serializers.CharField(required=False, help_text="Name in the query.")
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    request_id = serializers.CharField()
    code = serializers.CharField()
    errors = ProblemErrorSerializer(many=True, required=False)  # type: ignore[assignment]


ERROR_RESPONSES = {("default", PROBLEM_JSON): ProblemSerializer}


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """Describe authentication by API key."""

    target_class = "recommender.api.access.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        """Return the key, or nothing for reads: they may be open on the machine itself."""
        scope = getattr(auto_schema.view, "required_scope", ApiKey.Scope.READ)
        by_key: list[dict[str, list[str]]] = [{self.name: []}]
        return [*by_key, {}] if scope == ApiKey.Scope.READ else by_key

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the header and how its value is made."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key <key>`; keys come from `manage.py api_key create`.",
        }


class BasicKeyScheme(OpenApiAuthenticationExtension):
    """Describe authentication by API key as the user name of HTTP Basic."""

    target_class = "recommender.api.access.authentication.BasicKeyAuthentication"
    name = "BasicKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return that the key is the user name."""
        return {"type": "http", "scheme": "basic", "description": "The key is the user name; there is no password."}


class ViewerTokenScheme(OpenApiAuthenticationExtension):
    """Describe authentication by a viewer's token."""

    target_class = "recommender.api.access.viewer_token_auth.ViewerTokenAuthentication"
    name = "ViewerToken"

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        """Return the token for the views that allow it."""
        return [{self.name: []}] if getattr(auto_schema.view, "allow_viewer_token", False) else []

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the header and how its value is made."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Viewer-Token <token>`: one viewer's reads; tokens come from `POST /viewer-tokens`.",
        }


def require_bodies(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Mark bodies as required, though each of their fields may be absent."""
    for calls in result["paths"].values():
        for call in calls.values():
            if "requestBody" in call and call["operationId"] != BATCH_CACHE_OPERATION:
                call["requestBody"]["required"] = True
    return result


def close_bodies(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Mark bodies as closed: StrictView refuses what their schema does not name."""
    schemas = result["components"]["schemas"]

    def close(schema: dict[str, Any]) -> None:
        named = schemas.get(schema.get("$ref", "").rpartition("/")[2], {})
        if "properties" in named:  # else it is a choice of forms, each of which says what it is open to
            named.setdefault("additionalProperties", False)
        for form in named.get("anyOf", schema.get("anyOf", ())):
            close(form)

    for calls in result["paths"].values():
        for call in calls.values():
            close(call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {}))
    return result


def operation(
    operation_id: str,
    summary: str,
    answer: Any,
    *,
    example: Any = None,
    status: int | tuple[int, ...] = 200,
    other_answers: Mapping[int, Any] = MappingProxyType({}),
    **more: Any,
) -> Any:
    """Describe a call of the API in the schema and bind its serializers; `more` as for catalog.api.strict.operation.

    `answer`: the serializer of the body, under each `status`; `other_answers`: of others. `example`: a body to send; a
    test sends it.
    """
    statuses = status if isinstance(status, tuple) else (status,)
    examples = [OpenApiExample(operation_id, value=example, request_only=True)] if example is not None else []
    return bare_operation(
        operation_id=operation_id,
        summary=summary,
        responses={**dict.fromkeys(statuses, answer), **other_answers, **ERROR_RESPONSES},
        examples=examples,
        needs_body=operation_id != BATCH_CACHE_OPERATION,
        tags=[operation_id.split("_")[0]],
        **more,
    )
