"""A viewer whose number stands nowhere by chance, and a search for it in every table, key and file."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.urls import reverse
from redis import Redis

from recommender.models import BatchChunk, Job
from tests.support.cast import ADA, EMPIRE, JEDI, MORNING, STAR_WARS, TOY_STORY
from tests.support.forms import submit
from tests.support.imports import JSONL, json_lines

ZOE = 1_987_654_321  # a number that stands nowhere by chance


def event(viewer, movie, kind="watch", day=0, **more):
    moment = (MORNING + timedelta(days=day)).isoformat()
    return {"user_id": viewer, "movie_id": str(movie), "kind": kind, "occurred_at": moment, **more}


def traces_of(viewer):
    """Every row of every table, every key and value in Redis, and every file, that has this number in it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t WHERE t::text LIKE %s", [f"%{viewer}%"])
            found += [f"{table}: {row}" for (row,) in cursor.fetchall()]
    path = caches["lists"].client.get_client().connection_pool.connection_kwargs["path"]
    for number in range(16):
        with Redis(unix_socket_path=path, db=number) as redis:
            for key in redis.scan_iter(count=1000):
                dump = redis.dump(key) or b""
                if str(viewer).encode() in key + dump:
                    found.append(f"redis {number}: {key.decode()}")
    return found + [f"file: {path.name}" for path in own_files() if in_file(viewer, path)]


def own_files():
    """Of the state folder, without the database's: its tables are read above, and it keeps what it deleted a while."""
    files = [path for path in settings.STATE_DIR.rglob("*") if path.is_file()]
    return [path for path in files if path.relative_to(settings.STATE_DIR).parts[0] != "postgres"]


def in_file(viewer, path):
    """Written out, or as a column of a snapshot."""
    content = path.read_bytes()
    return str(viewer).encode() in content or viewer.to_bytes(4, "little") in content


@pytest.fixture
def zoe(site, admin_client):
    """A viewer who has left traces wherever there can be any."""
    films = [(STAR_WARS, "watch"), (EMPIRE, "watch"), (TOY_STORY, "dislike")]
    site.post("/events", [event(ZOE, film, kind, day) for day, (film, kind) in enumerate(films)])
    site.post("/events", event(ZOE, JEDI, "impression", recommendation_id="r-1", position=3))
    site.get(f"/recommend?user_id={ZOE}")  # stores a list
    site.get(f"/home?user_id={ZOE}")
    submit(admin_client, reverse("admin:catalog_viewer_change", args=[ZOE]), {"name": "Zoe"})
    sent = {"user_histories": {str(ZOE): ["260", "1196"], str(ADA): ["260"]}}
    job = site.post("/batch/recommend/cache", sent, expect=202)["job_id"]
    file = {"user_id": ZOE, "name": "half a character: \ud800"}, {"user_id": ADA, "name": "Ada"}
    site.post("/imports/viewers", json_lines(*file), content_type=JSONL, expect=202)
    former = Job.objects.create(kind="batch", status="cancelled", result={"failed_users": [ZOE, 7]})
    BatchChunk.objects.create(job=former, after_viewer_id=7, through_viewer_id=ZOE, model="tiny", epoch=1)
    return job
