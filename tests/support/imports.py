"""Files over HTTP: what is posted to /imports, and the job that a worker runs for it."""

import json

from recommender import tasks

JSONL, CSV = "application/x-ndjson", "text/csv; charset=utf-8"


def json_lines(*rows):
    return "\n".join(map(json.dumps, rows)).encode()


def post_rows(client, kind, body, content_type=JSONL, expect=202, **more):
    return client.post(f"/imports/{kind}", body, content_type=content_type, expect=expect, **more)


def run_import(client, job):
    """The job once a worker has done it."""
    assert tasks.run_import(job["job_id"])["taken"]
    return client.get(f"/jobs/{job['job_id']}")
