"""Full disks, as they are: small file systems that are filled, a limit on files, a Redis that is full. Whoever asks is
told which one it is, and nothing that could not be stored is said to be."""

import contextlib
import errno
import json
import os
import resource
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import torch
from django.conf import settings
from django.core.cache import caches
from django.core.management import call_command
from django.db import ProgrammingError, connection
from django.urls import reverse

from catalog.models import Rule, WatchEvent
from infrastructure import disk_space
from infrastructure.disk_space import DiskThresholds
from recommender import cache, process_state
from recommender.ml.training_checkpoint import save_checkpoint
from recommender.models import Impression, Job
from recommender.monitoring import disk_checks
from recommender.serving import metrics
from tests.support.cast import ADA, NEMO
from tests.support.jobs import new_lease, run_nightly
from tests.support.tiny_model import TINY_MODEL

pytestmark = pytest.mark.usefixtures("nothing_counted")
SMALL = 2 * disk_space.MB  # bytes of a file system


@pytest.fixture
def nothing_counted(monkeypatch):
    process_state.clear()
    monkeypatch.setattr(metrics, "FLUSH_SECONDS", 0)
    yield
    process_state.clear()


def may_mount():
    try:
        return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


needs_mount = pytest.mark.skipif(not may_mount(), reason="a file system of its own takes root, and Linux")


@pytest.fixture
def small_disk(tmp_path, request):
    """An empty file system of 2 MB, or of so many bytes as the test says, that every user may write to."""
    size = getattr(request, "param", SMALL)
    position = tmp_path / "small"
    position.mkdir()
    for folder in (position, *list(position.parents)[:-2]):  # Postgres runs as another user, who has to get in
        with contextlib.suppress(PermissionError):
            folder.chmod(folder.stat().st_mode | 0o111)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=1777", "tmpfs", position], check=True)
    yield position
    subprocess.run(["umount", "-l", position], check=True)


def fill(position):
    with contextlib.suppress(OSError), (position / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(b"0" * 4096)


@contextlib.contextmanager
def tables_on(position, *tables):
    """Postgres keeps these tables there meanwhile, where they find no room."""
    folder = position / "postgres"
    folder.mkdir()
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        data = os.stat(cursor.fetchone()[0])
        os.chown(folder, data.st_uid, data.st_gid)
        cursor.execute("CREATE TABLESPACE small LOCATION %s", [str(folder)])
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} SET TABLESPACE small")
    fill(position)
    try:
        yield
    finally:
        (position / "filler").unlink(missing_ok=True)
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} SET TABLESPACE pg_default")
            cursor.execute("DROP TABLESPACE small")


def check_named(name, checks):
    return next(item for item in checks if item["name"] == name)


def system_checks(api):
    """Of GET /health/system, whatever else is red here: no worker runs."""
    return json.loads(api.client.get("/health/system").content)["checks"]


def status(capsys, expect):
    with pytest.raises(SystemExit) as ended:
        call_command("status", "--json")
    assert ended.value.code == expect
    return json.loads(capsys.readouterr().out)["checks"]


@needs_mount
def test_writes_to_a_full_disk_are_refused_and_counted(model, site, api, small_disk, admin_client, capsys):
    click = {"user_id": ADA, "movie_id": str(NEMO), "kind": "click"}
    rule = {"name": "a rule", "action": "boost", "places": 10, "by": "movie", "movie": NEMO, "enabled": "on"}
    rule |= {f"{name}_{part}": "" for name in ("starts_at", "ends_at") for part in (0, 1)}
    admin_client.raise_request_exception = site.client.raise_request_exception = False
    with tables_on(small_disk, "recommender_impression", "catalog_rule"):
        refused = site.post("/events", click, expect=503)
        for _ in range(3):
            site.post("/events", [click] * 50, expect=503)
        saved = admin_client.post(reverse("admin:catalog_rule_add"), rule)
        assert api.get(f"/recommend?user_id={ADA}")["recommendations"], "lists go on"
        metrics.flush()
        page = admin_client.get("/admin/")
        checks = status(capsys, expect=1)

    assert (refused["code"], "Nothing was stored" in refused["detail"]) == ("disk_full", True), refused
    assert "disk is full" in refused["detail"]
    assert not Impression.objects.exists()
    assert (saved.status_code, "Nothing was saved" in saved.content.decode()) == (503, True)
    assert "disk" in saved.content.decode()
    assert not Rule.objects.exists()
    tiles = {tile.label: tile for _, group in page.context["questions"] for tile in group}
    assert tiles["Failed calls, last hour"].state == "bad"
    assert "events 4 of 4" in tiles["Failed calls, last hour"].message
    assert "admin 1 of 1" in tiles["Failed calls, last hour"].message
    assert (tiles["Postgres"].value, tiles["Postgres"].state) == ("disk full", "bad")
    assert check_named("postgres", checks)["status"] == "fail"
    assert site.post("/events", click)["stored"] == 1, "there is room again"


@needs_mount
@pytest.mark.parametrize("small_disk", [40 * disk_space.MB], indirect=True)
def test_the_nightly_job_names_the_full_disk_and_continues_when_there_is_room(ring, settings, small_disk):
    settings.CHECKPOINT_DIR = small_disk / "checkpoints"
    lease = new_lease(epochs=3)
    on_line = lease.on_log
    lease.on_log = lambda line: (on_line(line), fill(small_disk) if line.startswith("Epoch 1 | NDCG") else None)
    with pytest.raises(OSError, match="No space left on device"):
        run_nightly(lease)

    job = Job.objects.get(pk=lease.job_id)
    assert job.status == Job.Status.FAILED
    assert f"The disk of {small_disk}" in job.error
    assert "is full" in job.error
    assert "at least" in job.error
    assert "inline_container" not in job.error
    assert not list(settings.CHECKPOINT_DIR.glob("*.part")), "a full disk is not left fuller"
    (small_disk / "filler").unlink()
    version = run_nightly(new_lease(epochs=3, resume=True))
    assert version.metrics["ndcg10"] > 0


@needs_mount
def test_a_disk_is_amber_before_it_is_red_and_the_probes_body_warns(model, small_disk, settings, api, capsys):
    settings.DISK_THRESHOLDS = DiskThresholds(warn_bytes=SMALL // 2, warn_share=0.05, full_bytes=SMALL // 8)
    settings.WRITTEN_FOLDERS = {"models": small_disk, "backups": small_disk / "not" / "there" / "yet"}
    assert api.get("/health/ready")["warnings"] == []
    (small_disk / "some").write_bytes(b"0" * (SMALL * 5 // 8))
    assert check_named(f"disk:{small_disk}", system_checks(api))["status"] == "warn"
    fill(small_disk)

    ready = api.get("/health/ready")
    check = check_named(f"disk:{small_disk}", status(capsys, expect=1))

    assert (ready["status"], len(ready["warnings"])) == ("ready", 1), "lists can be served"
    assert str(small_disk) in ready["warnings"][0]
    assert (check["status"], check["label"]) == ("fail", "Disk: models, backups")
    assert check["figures"] == {
        "free_bytes": 0,
        "total_bytes": pytest.approx(SMALL, abs=4096),
        "wanted_bytes": SMALL // 2,
    }


def test_a_file_that_may_not_grow_is_named_and_leaves_nothing(tmp_path):
    """What needs no root: a limit on the size of files, which torch and the system tell of as of a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError) as failed:
            save_checkpoint(tmp_path / "epoch1.pt", {"weights": torch.zeros(1_000_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert (failed.value.errno, failed.value.filename) == (errno.EFBIG, str(tmp_path / "epoch1.pt"))
    assert list(tmp_path.iterdir()) == []
    trouble = disk_space.storage_problem(failed.value)
    assert trouble.code == "disk_full"
    assert f"A file in {tmp_path} may not grow" in trouble.message


def test_a_redis_that_is_full_is_red_and_lists_go_on(model, api, capsys):
    client = caches["lists"].client.get_client()
    try:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        body = api.get(f"/recommend?user_id={ADA}")
        check = check_named("redis", status(capsys, expect=1))
        with pytest.raises(cache.CacheUnavailable) as refused:
            cache.publish_model(TINY_MODEL)
    finally:
        client.config_set("maxmemory", "0")
        client.config_set("maxmemory-policy", "volatile-lru")

    assert body["recommendations"]
    assert (check["value"], check["status"]) == ("refuses writes", "fail")
    assert "raise its maxmemory" in check["detail"]
    assert disk_space.storage_problem(refused.value).code == "redis_full"
    assert check_named("redis", system_checks(api))["status"] == "ok"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/srv/models/a"), "disk_full", "The disk of"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk_full", "quota"),
        (OSError(errno.EROFS, "Read-only file system", "/srv"), "disk_full", "read-only"),
        (
            RuntimeError("pg_dump: error: could not write to output file: No space left on device"),
            "disk_full",
            "The disk of",
        ),
        (
            RuntimeError("ClientError: An error occurred (XMinioStorageFull) when calling PutObject"),
            "disk_full",
            "store",
        ),
        (RuntimeError("MISCONF Redis is configured to save RDB snapshots"), "redis_full", "cannot save"),
        (RuntimeError("You can't write against a read only replica."), "redis_full", "primary"),
        (FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"), "disk_full", "The disk of"),
    ],
)
def test_errors_of_libraries_about_full_disks_become_messages(error, code, words):
    problem = disk_space.storage_problem(error)
    assert (problem.code, words in problem.message) == (code, True), problem


def test_other_errors_are_no_full_disk():
    assert disk_space.storage_problem(OSError(errno.ENOENT, "No such file", "/srv")) is None
    assert disk_space.storage_problem(ValueError("OOM is a film")) is None


def test_a_database_that_takes_no_writes_says_so(site, model):
    """As managed servers make it when their disk is full, and as a standby is."""
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        before = WatchEvent.objects.count()
        event = {"user_id": ADA, "movie_id": str(NEMO), "kind": "watch", "occurred_at": datetime.now(UTC).isoformat()}
        refused = site.post("/events", event, expect=503)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = off")
    assert refused["code"] == "database_read_only"
    assert WatchEvent.objects.count() == before


def test_an_export_that_breaks_off_is_counted_as_failed(site, model):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE catalog_credit RENAME TO elsewhere")
    try:
        answer = site.client.get("/exports/people.csv")
        assert answer.status_code == 200, "it has begun"
        with pytest.raises(ProgrammingError):
            b"".join(answer.streaming_content)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO catalog_credit")
    assert b"".join(site.client.get("/exports/people.csv").streaming_content)
    assert (metrics._counts["call:exports"], metrics._counts["call_failed:exports"]) == (2, 1)


def test_concurrent_checks_share_one_answer(monkeypatch, tmp_path):
    """Two probes of one folder are no sign that it hangs; one that hangs is reported within seconds, by one thread."""
    monkeypatch.setattr(settings, "WRITTEN_FOLDERS", {"state": tmp_path})
    measure, hangs = disk_space.measure, threading.Event()

    def slow(folder):
        time.sleep(0.1)
        return measure(folder)

    monkeypatch.setattr(disk_space, "measure", slow)
    with ThreadPoolExecutor(8) as pool:
        checks = [
            item for future in [pool.submit(disk_checks.check_disks) for _ in range(16)] for item in future.result()
        ]
        assert [item.value for item in checks if item.value == "does not answer"] == []

        monkeypatch.setattr(disk_space, "measure", lambda folder: hangs.wait(30))
        checks = [
            item for future in [pool.submit(disk_checks.check_disks) for _ in range(8)] for item in future.result()
        ]
        assert {item.value for item in checks} == {"does not answer"}
        assert len([item for item in threading.enumerate() if item.name == f"disk-{tmp_path.name}"]) <= 8
        timeouts = []
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "join", lambda thread, timeout=None: timeouts.append(timeout))
            assert disk_checks.check_disks()[0].value == "does not answer"
        assert timeouts == [0.0], "no check waits again for a folder that hangs"
    hangs.set()
