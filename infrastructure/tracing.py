"""Traces by OpenTelemetry, from a request to Postgres, Redis and Celery. Off unless MOVIEREC_TRACES_ENDPOINT is set.

The provider has a thread of its own, so it is made after the fork: by gunicorn's post_fork and Celery's
worker_process_init. A span has no viewer's data: of a request it has the route, and statements have no values. Spans
of requests are made here: OpenTelemetry's own for Django have addresses, and refuse health checks by other host names.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings

log = logging.getLogger(__name__)
_provider: Any = None  # the process's, once it traces


def start(service: str) -> None:
    """Trace this process from now on, where an endpoint is set. `service`: what the traces call it."""
    global _provider
    if not settings.TRACES_ENDPOINT or _provider is not None:
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.celery import CeleryInstrumentor
        from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
        from opentelemetry.instrumentation.redis import RedisInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ImportError as error:
        log.error("Nothing is traced: install requirements-tracing.txt (%s).", error)
        return
    _provider = TracerProvider(
        resource=Resource.create({"service.name": f"movierec-{service}"}),
        sampler=ParentBased(TraceIdRatioBased(settings.TRACES_SHARE)),
    )
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.TRACES_ENDPOINT)))
    trace.set_tracer_provider(_provider)
    PsycopgInstrumentor().instrument()
    RedisInstrumentor().instrument()
    CeleryInstrumentor().instrument()


def stop() -> None:
    """Send what is not sent yet; called when the process ends."""
    global _provider
    if _provider is not None:
        _provider.shutdown()
        _provider = None


def is_on() -> bool:
    """Return whether this process traces."""
    return _provider is not None


def trace_id() -> str:
    """Return the id of the trace at work here, 32 hexadecimal digits; "" where nothing is traced."""
    if _provider is None:
        return ""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""


@contextmanager
def request_span(method: str, headers: Mapping[str, str]) -> Iterator[Any]:
    """Trace a request, as a part of the caller's trace where its `traceparent` names one. Yields the span, for
    `describe_request`. For a process that traces."""
    from opentelemetry import propagate, trace

    caller = propagate.extract({"traceparent": headers.get("traceparent", "")})
    with trace.get_tracer("movierec").start_as_current_span(method, caller, trace.SpanKind.SERVER) as span:
        yield span


@contextmanager
def redis_span(names: Sequence[str]) -> Iterator[None]:
    """Trace commands, by their names alone, that go to Redis past the client, which OpenTelemetry traces by itself. For
    a process that traces."""
    from opentelemetry import trace

    tracer, of_redis = trace.get_tracer("movierec"), {"db.system": "redis"}
    with tracer.start_as_current_span(" ".join(names), kind=trace.SpanKind.CLIENT, attributes=of_redis):
        yield


def describe_request(span: Any, method: str, route: str, status: int, request_id: str) -> None:
    """Write into a request's span what it was."""
    span.update_name(f"{method} {route}")
    span.set_attributes(
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "movierec.request_id": request_id,
        }
    )
