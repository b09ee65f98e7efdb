"""Imports over HTTP: post rows, run the job."""

import json

from recommender import tasks

JSONL, CSV = "application/x-ndjson", "text/csv; charset=utf-8"


def json_lines(*rows):
    """Return rows as the body of a JSONL file."""
    return "\n".join(map(json.dumps, rows)).encode()


def post_rows(client, kind, body, content_type=JSONL, expect=202, **more):
    """Post a file to /imports; return the job."""
    return client.post(f"/imports/{kind}", body, content_type=content_type, expect=expect, **more)


def run_import(client, job):
    """Run an import's job in this process; return the job."""
    assert tasks.run_import(job["job_id"])["taken"]
    return client.get(f"/jobs/{job['job_id']}")
