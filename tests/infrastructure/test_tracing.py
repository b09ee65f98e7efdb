"""Traces arrive at a real receiver of OTLP over HTTP: from a request to Postgres, Redis and a task, without anybody's
data."""

import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from infrastructure import tracing
from movierec.local.processes import stop
from recommender.models import ApiKey
from tests.support.launcher import ROOT
from tests.support.live_server import LiveServer
from tests.support.workers import start_worker, wait_until, worker_environment

# A web process's calls: one that reads, one that writes, one with an id of the client's own, and a task that is sent.
CALLS = """
import django
django.setup()
from infrastructure import tracing
tracing.start("web")
from django.test import Client
from recommender import tasks
client = Client(headers={"host": "localhost"})
print(client.get("/recommend?user_id=1").headers["X-Request-ID"])
print(client.get("/users/4711/history", headers={"X-Request-ID": "own-id"}).headers["X-Request-ID"])
tasks.prune.delay()
tracing.stop()
"""


@pytest.fixture
def receiver():
    """Return a receiver of traces: its address, and the spans that came with the service of each."""
    spans = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                [service] = [
                    item.value.string_value for item in resource.resource.attributes if item.key == "service.name"
                ]
                spans.extend((service, span) for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/traces", spans
    server.shutdown()
    server.server_close()


def attributes(span):
    return {item.key: item.value.string_value for item in span.attributes}


@pytest.mark.slow
def test_a_request_is_traced_to_postgres_redis_and_the_task(transactional_db, more_movies, receiver):
    endpoint, spans = receiver
    more = {"MOVIEREC_TRACES_ENDPOINT": endpoint, "MOVIEREC_API_OPEN": "1"}
    done = subprocess.run(
        [sys.executable, "-c", CALLS], env=worker_environment() | more, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split()
    of_request = [span for _, span in spans if span.trace_id.hex() == first]
    [root] = [span for span in of_request if span.name == "GET recommend"]
    systems = {attributes(span).get("db.system") for span in of_request if span.parent_span_id}
    assert systems >= {"postgresql", "redis"}
    assert root.span_id in {span.parent_span_id for span in of_request}
    assert second == "own-id"
    assert "own-id" in {attributes(span).get("movierec.request_id") for _, span in spans}
    told = " ".join(value for _, span in spans for value in (span.name, *attributes(span).values()))
    assert "4711" not in told
    assert "user_id=1" not in told
    [sent] = [span for _, span in spans if span.kind == span.SPAN_KIND_PRODUCER]
    worker = start_worker(**more)
    try:
        wait_until(lambda: any(service == "movierec-worker" for service, _ in spans), 120)
    finally:
        stop(worker, signal.SIGQUIT, 15)
    [ran] = [span for service, span in spans if service == "movierec-worker" and span.kind == span.SPAN_KIND_CONSUMER]
    assert (ran.trace_id, ran.parent_span_id) == (sent.trace_id, sent.span_id)
    assert any(span.trace_id == ran.trace_id and attributes(span).get("db.system") == "postgresql" for _, span in spans)


@pytest.mark.slow
def test_each_web_process_traces_after_its_fork_and_logs_the_id_of_the_trace(
    transactional_db, more_movies, receiver, tmp_path
):
    endpoint, spans = receiver
    more = {"MOVIEREC_TRACES_ENDPOINT": endpoint, "MOVIEREC_LOG_LEVEL": "DEBUG", "MOVIEREC_PRODUCTION": "0"}
    _, key = ApiKey.objects.create_key(name="traced", scopes=ApiKey.Scope.values)
    logs = tmp_path / "web.log", tmp_path / "worker.log"
    with logs[0].open("wb") as web_output, logs[1].open("wb") as worker_output:
        web = LiveServer(key, wait=False, output=web_output, MOVIEREC_WEB_WORKERS="2", **more)
        worker = start_worker(output=worker_output, **more)
        try:
            read = []
            for process in web.workers:
                with web.only_worker(process):
                    read.append(web.send("/recommend?user_id=1", key=True).headers["X-Request-ID"])
            sent = web.send("/batch/recommend/cache", {"user_histories": {"1": ["260"]}}, key=True)
            wait_until(lambda: any(span.kind == span.SPAN_KIND_CONSUMER for _, span in spans), 180)
        finally:
            web.stop()  # what is not sent yet is sent
            stop(worker, signal.SIGQUIT, 15)
    written = sent.headers["X-Request-ID"]
    by_trace = {trace: [span for _, span in spans if span.trace_id.hex() == trace] for trace in (*read, written)}
    assert len(set(read)) == 2
    for trace in read:
        assert "GET recommend" in {span.name for span in by_trace[trace]}
        assert {attributes(span).get("db.system") for span in by_trace[trace]} >= {"postgresql", "redis"}
    services = {service for service, span in spans if span.trace_id.hex() == written}
    assert services == {"movierec-web", "movierec-worker"}
    kinds = {span.kind for span in by_trace[written]}
    assert kinds >= {Span.SPAN_KIND_SERVER, Span.SPAN_KIND_PRODUCER, Span.SPAN_KIND_CONSUMER}
    web_log, worker_log = (log.read_text() for log in logs)
    assert all(f"[{trace}]" in web_log for trace in (*read, written))
    assert f"[{written}]" in worker_log


def test_nothing_is_traced_without_an_endpoint(settings):
    assert settings.TRACES_ENDPOINT == ""
    tracing.start("web")
    assert tracing.trace_id() == ""
    assert tracing._provider is None
