"""manage.py status"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from recommender.monitoring import system_health
from recommender.monitoring.checks import Check, Status, join_sentences

EXIT_FAILURE, EXIT_UNREACHABLE = 1, 2
MARKS = {Status.OK: "ok", Status.WARN: "WARN", Status.UNKNOWN: "?", Status.FAIL: "FAIL"}


class Command(BaseCommand):
    help = """Report the state of every part of the system: processes, servers, disks, model, nights, schedules, queues.
    Ends with 0 where nothing is red, 1 where something is, 2 where Postgres or Redis does not answer. For cron and
    monitoring; the admin's first page and GET /health/system show the same."""
    requires_system_checks = []  # some of them ask servers that may be down

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="the answer of GET /health/system")

    def handle(self, *args: Any, **options: Any) -> None:
        report = system_health.check_system()
        if options["json"]:
            checks = [{**asdict(check), "figures": dict(check.figures)} for check in report.checks]
            body = {"status": report.status, "checked_at": report.checked_at.isoformat(), "checks": checks}
            self.stdout.write(json.dumps(body, indent=1))
        else:
            for line in _table_lines(system_health.worst_first(report.checks)):
                self.stdout.write(line)
        self.stdout.flush()
        sys.exit(EXIT_UNREACHABLE if report.is_partial else EXIT_FAILURE if report.status == Status.FAIL else 0)


def _table_lines(checks: Sequence[Check]) -> Iterator[str]:
    label_width = max(len(check.label) for check in checks)
    value_width = max(len(check.value) for check in checks)
    for check in checks:
        message = " ".join(join_sentences(check.detail, check.remedy).split())
        yield f"{MARKS[check.status]:4}  {check.label:{label_width}}  {check.value:{value_width}}  {message}".rstrip()
