"""manage.py serve_metrics"""

import argparse
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections

from recommender.monitoring import prometheus

DEFAULT_PORT = 9464


class Command(BaseCommand):
    help = """Export the system's figures for Prometheus on /metrics, until it is ended. One such process is enough for
    all machines: it reads what they share in Redis and Postgres."""
    requires_system_checks = []  # some of them ask servers that may be down

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=settings.METRICS_PORT or DEFAULT_PORT)
        parser.add_argument("--bind", default=settings.METRICS_BIND, help="address to listen on; no key is asked for")

    def handle(self, *args: Any, **options: Any) -> None:
        application = prometheus.make_application()

        def scrape(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ["PATH_INFO"] != "/metrics":
                start_response("404 Not Found", [("Content-Type", "text/plain")])
                return [b"The figures are on /metrics.\n"]
            close_old_connections()
            try:
                return application(environ, start_response)
            finally:
                close_old_connections()

        try:
            server = make_server(options["bind"], options["port"], scrape, handler_class=_QuietHandler)
        except OSError as error:
            raise CommandError(f"Port {options['port']} cannot be used ({error}): choose another by --port.") from None
        self.stdout.write(f"Figures for Prometheus: http://{options['bind']}:{options['port']}/metrics")
        self.stdout.flush()
        with server:
            server.serve_forever()


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: a scrape is no news."""
