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

EXIT_FAILURE, EXIT_UNREACHABLE = 1, 2  # exit codes
MARKS = {Status.OK: "ok", Status.WARN: "WARN", Status.UNKNOWN: "?", Status.FAIL: "FAIL"}


class Command(BaseCommand):
    help = """Tell how every part of the system is: processes, servers, disks, model, nights, schedules, queues. Ends
    with 0 where nothing is red, 1 where something is, 2 where Postgres or Redis does not answer. For cron and
    monitoring; the admin's first page and GET /health/system show the same."""
    requires_system_checks = []  # some of them ask the servers that may be gone

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="the answer of GET /health/system")

    def handle(self, *args: Any, **options: Any) -> None:
        found = system_health.check_system()
        if options["json"]:
            checks = [{**asdict(one), "figures": dict(one.figures)} for one in found.checks]
            told = {"status": found.status, "checked_at": found.checked_at.isoformat(), "checks": checks}
            self.stdout.write(json.dumps(told, indent=1))
        else:
            for line in _table_lines(system_health.worst_first(found.checks)):
                self.stdout.write(line)
        self.stdout.flush()
        sys.exit(EXIT_UNREACHABLE if found.is_partial else EXIT_FAILURE if found.status == Status.FAIL else 0)


def _table_lines(checks: Sequence[Check]) -> Iterator[str]:
    name, value = (max(len(getattr(one, part)) for one in checks) for part in ("label", "value"))
    for one in checks:
        words = " ".join(join_sentences(one.detail, one.remedy).split())
        yield f"{MARKS[one.status]:4}  {one.label:{name}}  {one.value:{value}}  {words}".rstrip()
