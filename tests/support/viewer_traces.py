"""Pytest plugin: a viewer whose id appears nowhere by chance, and a search for it in every table, key and file."""

import json
import re
from base64 import b64encode
from datetime import timedelta
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.urls import reverse
from redis import Redis

from catalog import selectors
from recommender import tasks
from recommender.models import BatchChunk, Job, WebhookEndpoint
from recommender.webhooks import make_secret
from tests.support.cast import ADA, EMPIRE, JEDI, MORNING, NEMO, STAR_WARS, TOY_STORY
from tests.support.forms import submit
from tests.support.imports import JSONL, json_lines

ZOE = 1_987_654_321  # appears nowhere by chance


def event(viewer, movie, kind="watch", day=0, **more):
    """Return an event as the API takes it."""
    moment = (MORNING + timedelta(days=day)).isoformat()
    return {"user_id": viewer, "movie_id": str(movie), "kind": kind, "occurred_at": moment, **more}


def forms_of(viewer):
    """Return how a key, or an id, may be written: as it is, in an address, in JSON, in base64 and in a dump."""
    text = str(viewer)
    in_json = json.dumps(text)[1:-1]
    # In base64 a text has three forms, by where it begins; its ends belong to what stands beside it.
    in_base64 = [b64encode(b" " * shift + text.encode())[start:-4].decode() for shift, start in enumerate((0, 2, 3))]
    in_address = [quote(text, safe=safe) for safe in ("", "@", "/@:")]
    encoded = [form for form in (*in_base64, text.encode().hex()) if len(form) >= 8]  # a shorter one is anywhere
    return list(dict.fromkeys([text, *in_address, in_json, *encoded]))


def is_written_in(content, viewer):
    """Return whether bytes or a text have a key, or an id, in any form."""
    text = content.decode("latin-1") if isinstance(content, bytes) else content
    forms = forms_of(viewer)
    if isinstance(content, bytes):
        forms += [form.encode().decode("latin-1") for form in forms]
    return any(form in text for form in forms)


def traces_of(viewer):
    """Return every table row, Redis key or value, and file that contains this key or id."""
    patterns = [f"%{like_escaped(form)}%" for form in forms_of(viewer)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        traces = []
        for table in tables:
            # Column by column, as the text of a row writes quotes twice.
            found = "EXISTS (SELECT FROM jsonb_each_text(to_jsonb(t)) c WHERE c.value LIKE ANY(%s))"
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t WHERE {found}", [patterns])
            traces += [f"{table}: {row}" for (row,) in cursor.fetchall()]
    path = caches["lists"].client.get_client().connection_pool.connection_kwargs["path"]
    for number in range(16):
        with Redis(unix_socket_path=path, db=number) as redis:
            for key in redis.scan_iter(count=1000):
                if any(is_written_in(content, viewer) for content in (key, *redis_values(redis, key))):
                    traces.append(f"redis {number}: {key.decode()}")
    return traces + [f"file: {path.name}" for path in own_files() if in_file(viewer, path)]


def like_escaped(text):
    """Return the text as a pattern of LIKE that matches it alone."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def redis_values(redis, key):
    """Return all that a key holds, as it was written: what DUMP returns is compressed."""
    read = {
        b"string": lambda: [redis.get(key)],
        b"hash": lambda: [part for pair in redis.hgetall(key).items() for part in pair],
        b"list": lambda: redis.lrange(key, 0, -1),
        b"set": lambda: redis.smembers(key),
        b"zset": lambda: redis.zrange(key, 0, -1),
        b"stream": lambda: [part for _, fields in redis.xrange(key) for part in fields.values()],
        b"none": list,
    }
    return [value for value in read[redis.type(key)]() if value is not None]


def own_files():
    """Return the files of the state folder but the database's, which keeps deleted rows for a while."""
    files = [path for path in settings.STATE_DIR.rglob("*") if path.is_file()]
    return [path for path in files if path.relative_to(settings.STATE_DIR).parts[0] != "postgres"]


def in_file(viewer, path):
    """Return whether a file contains the key, or the id, as text or as a column of a snapshot."""
    content = path.read_bytes()
    if path.suffix == ".parquet":  # compressed
        return viewer in pq.read_table(path)["viewers"].to_pylist()
    number = viewer.to_bytes(4, "little", signed=True) if isinstance(viewer, int) else b"no such bytes"
    return is_written_in(content, viewer) or number in content


@pytest.fixture
def zoe(site, admin_client):
    """Store a viewer with traces wherever there can be any; return the id of a waiting job."""
    return leave_traces(site, admin_client, ZOE)


def leave_traces(site, admin_client, viewer):
    """Leave traces of a viewer, by key, wherever there can be any; return the id of a waiting job."""
    named = quote(str(viewer), safe="")
    WebhookEndpoint.objects.create(url="https://example.org/", secret=make_secret(), events=list(WebhookEndpoint.Event))
    site.put(f"/users/{named}", {"account": f"account of {viewer}", "language": "en"}, expect=201)
    watched = [(STAR_WARS, "watch"), (EMPIRE, "watch"), (TOY_STORY, "dislike")]
    events = [event(viewer, movie, kind, day) for day, (movie, kind) in enumerate(watched)]
    site.post("/events", [{**item, "event_id": f"{viewer}/{n}"} for n, item in enumerate(events)])
    shown = {"recommendation_id": "r-1", "position": 3, "event_id": f"{viewer}/shown"}
    site.post("/events", event(viewer, JEDI, "impression", **shown))
    for first in (f"/recommend?user_id={named}&top_k=5", f"/popular?user_id={named}&top_k=5&seen=include"):
        cursor = site.get(first)["next"]  # the first stores a list
        site.get(f"{first}&cursor={cursor}")  # each stores what its pages showed
    site.get(f"/home?user_id={named}")
    tasks.flush_outbox()  # to webhooks
    viewer_id = selectors.find_viewer(viewer)
    submit(admin_client, reverse("admin:catalog_viewer_change", args=[viewer_id]), {"name": "Zoe"})
    histories = {"user_histories": {str(viewer): ["260", "1196"], str(ADA): ["260"]}}
    job = site.post("/batch/recommend/cache", histories, expect=202)["job_id"]
    file = {"user_id": viewer, "name": "half a character: \ud800"}, {"user_id": ADA, "name": "Ada"}
    site.post("/imports/viewers", json_lines(*file), content_type=JSONL, expect=202)
    watch = {"movie_id": NEMO, "kind": "watch", "occurred_at": "2026-01-01T00:00:00Z"}
    for query, row in ((f"set=user_id={named}", watch), ("map=user_id=customer", {**watch, "customer": viewer})):
        site.post(f"/imports/events?{query}", json_lines(row), content_type=JSONL, expect=202)
    refused = site.post(
        "/imports/events",
        json_lines({**watch, "user_id": viewer, "movie_id": "of no film"}),
        content_type=JSONL,
        expect=202,
    )
    tasks.run_import(refused["job_id"])
    former = Job.objects.create(kind="batch", status="cancelled", result={"failed_users": [viewer_id, 7]})
    BatchChunk.objects.create(
        job=former, after_viewer_id=viewer_id - 7, through_viewer_id=viewer_id, model="tiny", epoch=1
    )
    return job
