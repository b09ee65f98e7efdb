"""An installation of version 1.0.0, upgraded: its tables, active model, stored lists, rules and schedules stay.

`version_1_0/installation.tar.xz` was made by that version from invented films and viewers: a dump of its database, its
model folder, its Redis keys, and the lists that it served.
"""

import base64
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings

from infrastructure.postgres_programs import postgres_bin_dir
from tests.support.live_server import LiveServer
from tests.support.workers import ROOT, worker_environment

pytestmark = pytest.mark.slow

INSTALLATION = Path(__file__).parent / "version_1_0" / "installation.tar.xz"
NAME = "version_1_0"  # of its database
FIRST_REDIS = 8  # its broker's database number; the cache and the lists have the next two


@pytest.fixture
def installed(transactional_db, tmp_path):
    """The variables that name its servers and its state folder, in which the files of the archive lie."""
    with tarfile.open(INSTALLATION) as archive:
        archive.extractall(tmp_path, filter="data")
    kept, server = tmp_path, settings.DATABASES["default"]
    host, user = server["HOST"], server["USER"]
    with psycopg.connect(host=host, user=user, dbname="postgres", autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {NAME}")
        restore = [postgres_bin_dir() / "pg_restore", "--no-owner", "--exit-on-error", "-h", host, "-U", user]
        subprocess.run([*restore, "-d", NAME, kept / "database.dump"], check=True)
        socket = settings.REDIS_URL.removeprefix("unix://").partition("?")[0]
        with redis.Redis(unix_socket_path=socket, db=FIRST_REDIS + 2) as lists:
            for key, value in json.loads((kept / "redis.json").read_text()).items():
                lists.set(key, base64.b64decode(value), ex=86_400)
            yield {
                "DATABASE_URL": f"postgres://{user}@/{host}/{NAME}",
                "REDIS_URL": f"unix://{socket}?db={FIRST_REDIS}",
                "MOVIEREC_STATE": str(kept),
            }
            lists.flushdb()
        admin.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def test_an_installation_of_version_1_0_serves_the_same_lists_after_the_upgrade(installed):
    manage = [sys.executable, "manage.py"]
    own = worker_environment() | installed
    subprocess.run([*manage, "prepare"], env=own, cwd=ROOT, check=True)

    kept = Path(installed["MOVIEREC_STATE"])
    before = json.loads((kept / "lists.json").read_text())
    web = LiveServer("", **installed)
    try:
        after = {viewer: web.fetch(f"/recommend?user_id={viewer}&top_k=20") for viewer in before}
    finally:
        web.stop()
    for viewer, was in before.items():
        films = [one["movie_id"] for one in after[viewer]["recommendations"]]
        assert (viewer, films) == (viewer, was["films"])
        # Some were made within seconds of a pin, and are made again for as long as nobody knows which was first.
        assert after[viewer]["source"] == "cache" or was["source"] == "model", viewer
    assert sum(was["source"] == "cache" for was in before.values()) > len(before) / 2
    assert {one["degraded"] for one in after.values()} == {False}

    server = settings.DATABASES["default"]
    with psycopg.connect(host=server["HOST"], user=server["USER"], dbname=NAME) as database:
        schedules = dict(database.execute("SELECT name, task FROM django_celery_beat_periodictask").fetchall())
        [nightly] = database.execute(
            "SELECT hour || ':' || minute FROM django_celery_beat_periodictask task "
            "JOIN django_celery_beat_crontabschedule ON crontab_id = django_celery_beat_crontabschedule.id "
            "WHERE task.name = 'nightly'"
        ).fetchone()
    assert nightly == "5:45", "an edited schedule stays as it was"
    known = subprocess.run(
        [*manage, "shell", "-c", "import recommender.tasks; from movierec.celery import app; print(*app.tasks)"],
        env=own, cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert set(schedules.values()) <= set(known)
