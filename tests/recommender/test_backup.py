"""A backup into an empty system gives the same lists; a file that is not what was written is refused, and what fails
leaves everything as it was."""

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import time_machine
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from catalog import selectors, services
from catalog.models import Movie, Viewer, WatchEvent
from recommender import cache, privacy, process_state, registry, tasks, viewer_keys
from recommender.backup import archive
from recommender.models import ApiKey, Job, ModelVersion
from tests.support.cast import ADA, BEN, CLEO, DAN, MATRIX, MORNING, watch_event
from tests.support.launcher import ROOT
from tests.support.tiny_model import TINY_MODEL, clear_caches
from tests.support.viewer_traces import traces_of

VIEWERS = (ADA, BEN, CLEO, DAN)
# What a process of the restored system answers, after restoring: one process, as starting one takes seconds.
RESTORE_AND_READ = """
import django, json, sys
django.setup()
from django.core.management import call_command
from django.test import Client
call_command("restore", sys.argv[1], stdout=sys.stderr)
from django_celery_beat.models import PeriodicTask
from recommender.models import ApiKey, Job
reader = Client(HTTP_HOST="127.0.0.1")
lists = [reader.get(f"/recommend?user_id={viewer}&top_k=10").json() for viewer in map(int, sys.argv[2:])]
times = list(PeriodicTask.objects.filter(name="night").values_list("crontab__hour", "task"))
jobs = sorted(Job.objects.values_list("status", flat=True))
print(json.dumps([lists, times, ApiKey.objects.get(name="site").scopes, jobs]))
"""


def lists_of(viewers):
    return [Client().get(f"/recommend?user_id={viewer}&top_k=10").json() for viewer in viewers]


def comparable(answers):
    return [(item["source"], item["model_version"], item["recommendations"]) for item in answers]


@pytest.fixture
def backup(model, tmp_path):
    """A file of the tiny system: the cast, its model, a schedule, a key, a job under way."""
    night = CrontabSchedule.objects.create(hour="4", minute="5")
    PeriodicTask.objects.create(name="night", task="recommender.tasks.nightly", crontab=night)
    ApiKey.objects.create_key(name="site", scopes=["recommend:read"])
    Job.objects.create(kind="nightly")
    Job.objects.create(kind="batch", status="done")
    call_command("backup", tmp_path / "movierec.tar")
    return tmp_path / "movierec.tar"


@pytest.fixture
def empty_system(tmp_path):
    """The environment of a system that has nothing: another database of each server, and an empty folder."""
    server = connection.settings_dict
    name = f"empty_{os.getpid()}"
    where = {"host": server["HOST"], "user": server["USER"], "dbname": "postgres", "autocommit": True}
    with psycopg.connect(**where) as control:
        control.execute(f"CREATE DATABASE {name}")
    (tmp_path / "state").mkdir()
    yield os.environ | {
        "DATABASE_URL": f"postgres://{server['USER']}@/{server['HOST']}/{name}",
        "REDIS_URL": configured.REDIS_URL.replace("db=0", "db=8"),
        "MOVIEREC_STATE": str(tmp_path / "state"),
        "MOVIEREC_API_OPEN": "1",
        "DJANGO_SETTINGS_MODULE": "movierec.settings",
    }
    with psycopg.connect(**where) as control:
        control.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.slow  # a process that imports and loads everything
def test_an_empty_system_gives_the_same_lists_after_it(backup, empty_system, settings, tmp_path):
    settings.API_OPEN = True
    before = lists_of(VIEWERS)
    assert {item["source"] for item in before} == {"model"}
    assert (backup.stat().st_mode & 0o777) == 0o600

    command = [sys.executable, "-c", RESTORE_AND_READ, str(backup), *map(str, VIEWERS)]
    done = subprocess.run(command, cwd=ROOT, env=empty_system, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    after, times, scopes, jobs = json.loads(done.stdout.splitlines()[-1])
    assert [item.get("code") for item in after] == [None] * len(VIEWERS), after
    assert comparable(after) == comparable(before)
    assert (times, scopes, jobs) == ([["4", "recommender.tasks.nightly"]], ["recommend:read"], ["cancelled", "done"])
    assert "recommender_apikey" in done.stderr
    folder = tmp_path / "state" / "models" / TINY_MODEL
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        p.name for p in registry.folder(TINY_MODEL).iterdir()
    )
    assert [path.name for path in folder.parent.iterdir()] == [TINY_MODEL], "nothing half-done is left"


def test_later_data_is_gone_and_no_earlier_list_is_served(backup, settings):
    settings.API_OPEN = True
    before = lists_of(VIEWERS)
    stamps = selectors.catalogue_and_epoch()
    shutil.copytree(registry.folder(TINY_MODEL), registry.folder("later"))
    (registry.folder(TINY_MODEL) / "weights.safetensors").write_bytes(b"spoilt")
    registry.register(registry.folder("later"), preset="basic")
    Viewer.objects.create(pk=900)
    services.record_events([watch_event(ADA, movie, MORNING) for movie in (5000, 5001)])
    services.delete_movies([MATRIX])
    assert comparable(lists_of([ADA])) != comparable(before[:1])
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE guests ()")
    with pytest.raises(
        CommandError, match=r"not empty: 76 films, 5 viewers, 2 models.*1 tables that are not movierec's"
    ):
        call_command("restore", backup)

    call_command("restore", backup, replace=True)

    assert cache.read_list_and_versions(ADA)[1] is None
    assert "guests" not in connection.introspection.table_names()
    assert Movie.objects.filter(pk=MATRIX).exists()
    assert not Viewer.objects.filter(pk=900).exists()
    assert list(ModelVersion.objects.values_list("name", flat=True)) == [TINY_MODEL]
    assert not registry.folder("later").exists()
    assert all(now > then for now, then in zip(selectors.catalogue_and_epoch(), stamps, strict=True))
    assert comparable(lists_of(VIEWERS)) == comparable(before)
    assert lists_of([ADA])[0]["source"] == "cache"
    call_command("backup", backup)  # a restored system can be backed up and restored again
    call_command("restore", backup, replace=True)
    assert comparable(lists_of(VIEWERS)) == comparable(before)


def test_who_was_erased_since_is_back_by_key_until_erased_again(model, tmp_path):
    zoe, later = "zoë.o'unlikely+3@example.org", "came.later@example.org"
    services.record_events([watch_event(zoe, movie, MORNING) for movie in (5000, 5001)])
    call_command("backup", tmp_path / "movierec.tar")
    privacy.erase_viewer(zoe)
    services.record_events([watch_event(later, 5000, MORNING)])
    assert viewer_keys.viewer_id(later) == selectors.find_viewer(later)

    call_command("restore", tmp_path / "movierec.tar", replace=True)

    assert [event["movie_id"] for event in privacy.export_viewer(zoe)["events"]] == ["5000", "5001"]
    assert privacy.erase_viewer(zoe).events == 2
    with time_machine.travel(timezone.now() + 2 * privacy.SWEEP_PERIOD):
        tasks.finish_erasures()
    assert [trace for trace in traces_of(zoe) if "movierec.tar" not in trace] == []
    process_state.clear()
    services.record_events([watch_event("another", 5001, MORNING)])  # under the id that came later had
    assert viewer_keys.viewer_id(later) is None


def contents(path):
    with tarfile.open(path) as tar:
        return [(member.name, tar.extractfile(member).read()) for member in tar]


def write(path, members):
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def sealed(members, **changes):
    """With a changed manifest whose seal is right."""
    manifest = json.dumps(json.loads(members[0][1]) | changes).encode()
    return [(members[0][0], manifest), (members[1][0], hashlib.sha256(manifest).hexdigest().encode()), *members[2:]]


def edited(content):
    return content[:-40] + bytes([content[-40] ^ 1]) + content[-39:]


def link(name):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return member


def changed_dump(members):
    return [(name, edited(content) if name == archive.DUMP else content) for name, content in members]


WRONG = {
    "no tar": (None, "is no backup of movierec"),
    "another tar": (lambda m: m[2:], "it has no manifest.json in its place"),
    "a newer format": (lambda m: sealed(m, format=2), "has format 2, and this movierec reads up to 1"),
    "tables of a newer version": (lambda m: sealed(m, migrations=["catalog.9999_later"]), "made by a newer movierec"),
    "an edited manifest": (lambda m: [(m[0][0], m[0][1].replace(b"tiny", b"tidy")), *m[1:]], "was edited: its manif"),
    "an edited dump": (changed_dump, "database.dump has not the checksum"),
    "a longer dump": (lambda m: [*m[:2], (m[2][0], m[2][1] + b"x"), *m[3:]], "has not the size"),
    "without a model": (lambda m: m[:-1], "was cut: models/tiny/"),
    "a way out": (lambda m: [*m, ("../../evil.json", b"{}")], r"no part of a backup: '\.\./\.\./evil.json'"),
    "a way out in the manifest": (
        lambda m: [*sealed(m, files={**json.loads(m[0][1])["files"], "models/../x.json": {"bytes": 2, "sha256": ""}}),
                   ("models/../x.json", b"{}")],
        "no part of a backup",
    ),
    "a link": (lambda m: [*m[:-1], (link(m[-1][0]), b"")], "no part of a backup"),
    "a pickle": (lambda m: [*m, ("models/tiny/weights.pkl", b"")], "no part of a backup"),
    "a member twice": (lambda m: [*m, m[-1]], "no part of a backup"),
    "no files named": (lambda m: sealed(m, files={}), "names no files"),
}  # fmt: skip


def refused(path):
    try:
        with archive.Archive(path) as result:
            result.verify()
    except archive.ArchiveRefused:
        return True
    return False


def test_a_changed_file_is_refused(backup, tmp_path):
    members, bad = contents(backup), tmp_path / "bad.tar"
    cut = backup.read_bytes()
    movies = Movie.objects.count()
    for what, (change, message) in WRONG.items():
        bad.write_bytes(b"x" * 5_000) if change is None else write(bad, change(members))
        with pytest.raises(CommandError, match=message):
            call_command("restore", bad, replace=True)
        assert Movie.objects.count() == movies, what
    for length in (0, 700, len(cut) // 3, len(cut) - 60_000):
        bad.write_bytes(cut[:length])
        with pytest.raises(CommandError, match=r"is no backup|was cut"):
            call_command("restore", bad, replace=True)
    for position in random.Random(4).sample(range(len(cut)), 60):
        bad.write_bytes(cut[:position] + bytes([cut[position] ^ 0x10]) + cut[position + 1 :])
        assert refused(bad) or contents(bad) == members, f"byte {position}"
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("restore", tmp_path / "none.tar")
    call_command("restore", backup, check=True)
    assert not list(Path(configured.MODEL_STORE).glob(".*"))
    assert not list(tmp_path.glob(".*"))


def test_a_restore_that_fails_leaves_everything_as_it_was(backup, tmp_path, settings):
    settings.API_OPEN = True
    members, bad = contents(backup), tmp_path / "bad.tar"
    counts = json.loads(members[0][1])["counts"]
    spoilt = registry.folder(TINY_MODEL) / "model.json"
    whole = spoilt.read_bytes()
    spoilt.write_bytes(b"{}")
    services.delete_movies([MATRIX])
    movies, events, revision = Movie.objects.count(), WatchEvent.objects.count(), selectors.catalogue_and_epoch()
    write(bad, sealed(members, counts=counts | {"catalog_movie": 3}))
    for file, message in ((bad, "catalog_movie has not the 3 rows"), (broken_dump(members, bad), "pg_restore: ")):
        with pytest.raises(CommandError, match=f"Nothing was restored.*{message}"):
            call_command("restore", file, replace=True)
        assert (Movie.objects.count(), WatchEvent.objects.count(), selectors.catalogue_and_epoch()) == (
            movies,
            events,
            revision,
        )
        assert spoilt.read_bytes() == b"{}"
    spoilt.write_bytes(whole)
    assert not list(Path(configured.MODEL_STORE).glob(".*"))
    clear_caches()
    assert lists_of([BEN])[0]["source"] == "model"


def broken_dump(members, path):
    """Sealed with the right checksums, but cut when it was made."""
    half = members[2][1][: len(members[2][1]) * 2 // 3]
    files = json.loads(members[0][1])["files"]
    files[archive.DUMP] = {"bytes": len(half), "sha256": hashlib.sha256(half).hexdigest()}
    other = path.with_name("broken.tar")
    write(other, [*sealed(members, files=files)[:2], (archive.DUMP, half), *members[3:]])
    return other


def test_a_restore_is_refused_while_processes_serve_or_work(backup, monkeypatch):
    monkeypatch.setattr("recommender.backup.restore.WEB_STOP_SECONDS", 0.0)
    cache.report_loaded_model("web:1", TINY_MODEL)
    with pytest.raises(CommandError, match=r"1 web processes are serving \(web:1\): stop web"):
        call_command("restore", backup, replace=True)
    Job.objects.create(kind="batch", status="running", lease_until=timezone.now() + timedelta(minutes=1))
    with pytest.raises(CommandError, match="A batch job is running: stop the workers"):
        call_command("restore", backup, replace=True)


def test_programs_of_another_version_than_the_server_are_refused(backup, monkeypatch, tmp_path):
    """Postgres 18's write what no server before 17 takes back."""
    for name in ("pg_dump", "pg_restore", "psql"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
        program.chmod(0o755)
    monkeypatch.setenv("MOVIEREC_POSTGRES_BIN", str(tmp_path))

    with pytest.raises(CommandError, match=r"programs here are of 9\. Set MOVIEREC_POSTGRES_BIN"):
        call_command("backup", str(tmp_path / "new.tar"))
    assert not (tmp_path / "new.tar").exists()
    with pytest.raises(CommandError, match=r"programs here are of 9\. Set MOVIEREC_POSTGRES_BIN"):
        call_command("restore", str(backup), "--replace")


def test_a_failed_backup_leaves_the_earlier_file(backup, monkeypatch, capsys):
    spoilt, before = registry.folder(TINY_MODEL) / "model.json", backup.read_bytes()
    whole = spoilt.read_bytes()
    monkeypatch.setenv("MOVIEREC_POSTGRES_BIN", "/nowhere")
    with pytest.raises(CommandError, match=r"No backup was made. /nowhere/pg_dump is not there: set MOVIEREC_POSTGRES"):
        call_command("backup", backup)
    assert backup.read_bytes() == before
    monkeypatch.delenv("MOVIEREC_POSTGRES_BIN")
    spoilt.write_bytes(b"{}")
    call_command("backup", backup)
    spoilt.write_bytes(whole)
    assert f"The folder of model {TINY_MODEL} is not in it: model.json has not the checksum" in capsys.readouterr().err
