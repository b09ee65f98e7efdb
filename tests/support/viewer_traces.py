"""Pytest plugin: a viewer whose id appears nowhere by chance, and a search for it in every table, key and file."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.urls import reverse
from redis import Redis

from catalog import selectors
from recommender.models import BatchChunk, Job
from tests.support.cast import ADA, EMPIRE, JEDI, MORNING, STAR_WARS, TOY_STORY
from tests.support.forms import submit
from tests.support.imports import JSONL, json_lines

ZOE = 1_987_654_321  # appears nowhere by chance


def event(viewer, movie, kind="watch", day=0, **more):
    """Return an event as the API takes it."""
    moment = (MORNING + timedelta(days=day)).isoformat()
    return {"user_id": viewer, "movie_id": str(movie), "kind": kind, "occurred_at": moment, **more}


def traces_of(viewer):
    """Return every table row, Redis key or value, and file that contains this id."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        traces = []
        for table in tables:
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t WHERE t::text LIKE %s", [f"%{viewer}%"])
            traces += [f"{table}: {row}" for (row,) in cursor.fetchall()]
    path = caches["lists"].client.get_client().connection_pool.connection_kwargs["path"]
    for number in range(16):
        with Redis(unix_socket_path=path, db=number) as redis:
            for key in redis.scan_iter(count=1000):
                dump = redis.dump(key) or b""
                if str(viewer).encode() in key + dump:
                    traces.append(f"redis {number}: {key.decode()}")
    return traces + [f"file: {path.name}" for path in own_files() if in_file(viewer, path)]


def own_files():
    """Return the files of the state folder but the database's, which keeps deleted rows for a while."""
    files = [path for path in settings.STATE_DIR.rglob("*") if path.is_file()]
    return [path for path in files if path.relative_to(settings.STATE_DIR).parts[0] != "postgres"]


def in_file(viewer, path):
    """Return whether a file contains the key, or the id, as text or as a column of a snapshot."""
    content = path.read_bytes()
    number = viewer.to_bytes(4, "little", signed=True) if isinstance(viewer, int) else b"no such bytes"
    return str(viewer).encode() in content or number in content


@pytest.fixture
def zoe(site, admin_client):
    """Store a viewer with traces wherever there can be any; return the id of a waiting job."""
    return leave_traces(site, admin_client, ZOE)


def leave_traces(site, admin_client, viewer):
    """Leave traces of a viewer, by key, wherever there can be any; return the id of a waiting job."""
    named = quote(str(viewer), safe="")
    watched = [(STAR_WARS, "watch"), (EMPIRE, "watch"), (TOY_STORY, "dislike")]
    site.post("/events", [event(viewer, movie, kind, day) for day, (movie, kind) in enumerate(watched)])
    site.post("/events", event(viewer, JEDI, "impression", recommendation_id="r-1", position=3))
    site.get(f"/recommend?user_id={named}")  # stores a list
    site.get(f"/home?user_id={named}")
    viewer_id = selectors.find_viewer(viewer)
    submit(admin_client, reverse("admin:catalog_viewer_change", args=[viewer_id]), {"name": "Zoe"})
    histories = {"user_histories": {str(viewer): ["260", "1196"], str(ADA): ["260"]}}
    job = site.post("/batch/recommend/cache", histories, expect=202)["job_id"]
    file = {"user_id": viewer, "name": "half a character: \ud800"}, {"user_id": ADA, "name": "Ada"}
    site.post("/imports/viewers", json_lines(*file), content_type=JSONL, expect=202)
    former = Job.objects.create(kind="batch", status="cancelled", result={"failed_users": [viewer_id, 7]})
    BatchChunk.objects.create(
        job=former, after_viewer_id=viewer_id - 7, through_viewer_id=viewer_id, model="tiny", epoch=1
    )
    return job
