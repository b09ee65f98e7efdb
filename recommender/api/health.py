"""GET /health/live, /health/ready and /health/system: whether the process, the API and the whole system work."""

from dataclasses import asdict
from typing import Any

from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.strict import operation as bare_operation
from recommender.api.base_view import ApiView
from recommender.api.openapi.operations import ERROR_RESPONSES, operation
from recommender.models import ApiKey
from recommender.monitoring import disk_checks, readiness, system_health
from recommender.monitoring.checks import Status
from recommender.monitoring.system_health import SystemReport


class LiveAnswerSerializer(serializers.Serializer):
    status = serializers.CharField()


class ReadyAnswerSerializer(LiveAnswerSerializer):
    parts = serializers.DictField(child=serializers.CharField())
    model_version = serializers.CharField(allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField(), help_text="Disks that are full or nearly so.")


class SystemCheckSerializer(serializers.Serializer):
    name = serializers.CharField(help_text="For programs: it stays.")
    label = serializers.CharField()  # type: ignore[assignment]  # a field of the answer, as Field has one
    status = serializers.ChoiceField([*Status])
    value = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)
    remedy = serializers.CharField(allow_blank=True, help_text="What to do; empty where nothing has to be done.")
    figures = serializers.DictField(child=serializers.FloatField(), help_text="Each with its unit in the name.")


class SystemAnswerSerializer(serializers.Serializer):
    status = serializers.ChoiceField([*Status], help_text="That of the worst check.")
    checked_at = serializers.DateTimeField()
    checks = SystemCheckSerializer(many=True)


class HealthView(ApiView):
    """A check for the machines that watch: no key, no throttle."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()
    throttle_scope = "health"


class LiveView(HealthView):
    """Serve GET /health/live."""

    @operation("health_live", "Whether the process answers.", LiveAnswerSerializer)
    def get(self, request: Request) -> Response:
        """Answer that the process is alive; nothing is asked of Postgres or Redis."""
        return Response({"status": "live"})


class ReadyView(HealthView):
    """Serve GET /health/ready."""

    @bare_operation(
        operation_id="health_ready",
        summary="Whether it can serve a recommendation; else which part cannot.",
        responses={200: ReadyAnswerSerializer, 503: ReadyAnswerSerializer},
        tags=["health"],
    )
    def get(self, request: Request) -> Response:
        """Answer 200 where a list can be served, else 503; `parts` says what is missing."""
        state = readiness.check_readiness()
        body = {
            "status": "ready" if state.ready else "not ready",
            "parts": state.components,
            "model_version": state.model_version,
            "warnings": list(disk_checks.disk_warnings()),
        }
        return Response(body, status=200 if state.ready else 503)


class SystemView(ApiView):
    """Serve GET /health/system."""

    required_scope = ApiKey.Scope.STATUS
    open_on_loopback = True

    @bare_operation(
        operation_id="health_system",
        summary="Every part of the system: processes, servers, disks, model, nights, schedules, queues.",
        responses={200: SystemAnswerSerializer, 503: SystemAnswerSerializer, **ERROR_RESPONSES},
        tags=["health"],
    )
    def get(self, request: Request) -> Response:
        """Answer every check: what the admin's first page and `manage.py status` show as well."""
        report = system_health.check_system()
        return Response(system_body(report), status=503 if report.status == Status.FAIL else 200)


def system_body(report: SystemReport) -> dict[str, Any]:
    """Return the report as the JSON of GET /health/system and of `manage.py status --json`."""
    checks = [{**asdict(check), "figures": dict(check.figures)} for check in report.checks]
    return {"status": report.status, "checked_at": report.checked_at.isoformat(), "checks": checks}
