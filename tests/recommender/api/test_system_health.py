"""The whole system's health: the first page, GET /health/system and `manage.py status` tell the same of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from infrastructure.signals import process_alive
from movierec.celery import app
from movierec.local import server_paths
from recommender import cache
from recommender.cache import keys
from recommender.cache.connection import redis_connection
from recommender.models import ApiKey, Job, ModelVersion
from recommender.monitoring import process_checks, server_checks
from tests.support import servers as parts
from tests.support.tiny_model import clear_caches
from tests.support.workers import ROOT, start_worker, wait_until, worker_environment

KINDS = ("web", "light", "batch", "training", "beat", "repair")


@pytest.fixture
def nobody_reports(model, monkeypatch):
    """Redis has been there for long, and has heard of nobody."""
    monkeypatch.setattr(server_checks, "FRESH_SECONDS", 0.0)


def all_report():
    process_alive.send(sender=None, kinds=KINDS, process="one@here")


def checks(api):
    """Of the endpoint, by name; the first page and the command tell the same."""
    return {item["name"]: item for item in json.loads(api.client.get("/health/system").content)["checks"]}


def commanded(capsys, *message):
    with pytest.raises(SystemExit) as ended:
        call_command("status", *message)
    return ended.value.code, capsys.readouterr().out


def test_page_endpoint_and_command_tell_the_same(nobody_reports, api, admin_client, capsys):
    silent = checks(api)
    assert {silent[f"process:{kind}"]["status"] for kind in KINDS[:-1]} == {"fail"}
    assert silent["tasks"]["status"] == "fail"
    code, _ = commanded(capsys)
    assert code == 1

    all_report()
    every = IntervalSchedule.objects.create(every=10, period=IntervalSchedule.SECONDS)
    PeriodicTask.objects.create(name="repair", task="recommender.tasks.repair", interval=every)
    Job.objects.create(
        kind=Job.Kind.NIGHTLY, status=Job.Status.DONE, finished_at=timezone.now(), result={"better": True}
    )
    code, text = commanded(capsys)
    _, as_json = commanded(capsys, "--json")
    page = admin_client.get("/admin/")
    result = checks(api)

    assert code == 0, text
    assert {name: item["status"] for name, item in result.items()} == {
        item["name"]: item["status"] for item in json.loads(as_json)["checks"]
    }
    tiles = {tile.label: tile.state for _, group in page.context["questions"] for tile in group}
    states = {"ok": "good", "warn": "warn", "unknown": "warn", "fail": "bad"}
    for item in result.values():
        assert tiles[item["label"]] == states[item["status"]], item
        assert item["label"] in text
    assert all(item["remedy"] for item in result.values() if item["status"] != "ok")


def test_it_opens_to_its_own_scope_and_on_this_machine(model, settings, client, client_with):
    assert client.get("/health/system").status_code == 401
    assert client_with(ApiKey.Scope.READ).get("/health/system", expect=403)["code"] == "permission_denied"
    assert "checks" in json.loads(client_with(ApiKey.Scope.STATUS).client.get("/health/system").content)
    settings.API_OPEN = True
    assert client.get("/health/system").status_code in (200, 503)
    assert client.get("/health/system", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 401
    for host in ("films.example.com", "10.42.8.9:8000", "127.0.0.1.example.com", ""):
        assert client.get("/health/system", headers={"Host": host}).status_code == 401, host
        assert client.get("/health/live", headers={"Host": host}).status_code == 200, host


def test_an_old_model_three_refused_nightly_jobs_and_a_missed_schedule_are_red(nobody_reports, api):
    ended = timezone.now()
    for hours, better in ((80, True), (60, False), (36, False)):
        at = ended - timedelta(hours=hours)
        job = Job.objects.create(
            kind="nightly", status="done", finished_at=at, result={"better": better, "reason": "no"}
        )
        Job.objects.filter(pk=job.pk).update(created_at=at)
    every = IntervalSchedule.objects.create(every=10, period=IntervalSchedule.SECONDS)
    task = PeriodicTask.objects.create(name="repair", task="x", interval=every, last_run_at=ended)
    night = PeriodicTask.objects.create(name="nightly", task="y", interval=every, last_run_at=ended, enabled=False)
    before = checks(api)
    assert [before[name]["status"] for name in ("model", "nights_refused", "schedules")] == ["ok", "warn", "warn"]
    assert "nightly" in before["schedules"]["detail"], "somebody has switched the nights off"

    Job.objects.create(kind="nightly", status="failed", finished_at=ended, error="OSError: no room")
    ModelVersion.objects.update(created_at=ended - timedelta(days=3, minutes=1))
    PeriodicTask.objects.filter(pk=task.pk).update(last_run_at=ended - timedelta(minutes=4))
    night.delete()
    after = checks(api)

    assert [after[name]["status"] for name in ("model", "nights_refused", "night", "schedules")] == ["fail"] * 4
    assert (after["nights_refused"]["figures"], "no room" in after["night"]["detail"]) == ({"nights": 3.0}, True)
    assert "repair is 3 minutes late" in after["schedules"]["detail"]


def test_a_job_without_a_worker_is_amber_then_red(nobody_reports, api):
    job = Job.objects.create(kind=Job.Kind.IMPORT)
    for minutes, state in ((5, "ok"), (20, "warn"), (70, "fail")):
        Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(minutes=minutes))
        assert checks(api)["queue"]["status"] == state
    Job.objects.create(kind=Job.Kind.IMPORT, status=Job.Status.RUNNING)
    assert checks(api)["queue"]["status"] == "warn", "it waits behind one of its kind"


# The command, while servers are gone or frozen -----------------------------------------------------------------------


def status_command(seconds=30):
    """In a process of its own, as cron runs it; its code and what it says."""
    message = [sys.executable, "manage.py", "status"]
    done = subprocess.run(message, env=worker_environment(), cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def pid_of(part):
    """Of an embedded server of the tests (Linux)."""
    mark = os.fsencode(server_paths.socket_dir(part.state_dir))
    for folder in os.listdir("/proc"):
        if folder.isdigit():
            message = _words_of(folder)
            if mark in message and part.server.name.encode() in message.split(b"\0")[0]:
                return int(folder)
    raise LookupError(part.server.name)


def _words_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


@pytest.mark.slow
@pytest.mark.parametrize(("part", "name"), [(parts.POSTGRES, "Postgres"), (parts.VALKEY, "Redis")])
@pytest.mark.skipif(sys.platform != "linux", reason="finds the server's process in /proc")
def test_the_command_ends_with_2_while_a_server_is_frozen(transactional_db, part, name):
    pid = pid_of(part)
    os.kill(pid, signal.SIGSTOP)
    try:
        code, text = status_command(60)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert code == 2
    assert f"FAIL  {name} " in text
    assert "unknown" in text
    assert "?  " in text


@pytest.mark.slow
@pytest.mark.parametrize(("part", "name"), [(parts.POSTGRES, "Postgres"), (parts.VALKEY, "Redis")])
def test_the_command_ends_with_2_while_a_server_is_gone(transactional_db, part, name):
    part.stop()
    try:
        code, text = status_command()
    finally:
        part.start()
        clear_caches()
    assert (code, f"FAIL  {name} " in text) == (2, True)


# Processes that are really stopped -----------------------------------------------------------------------------------


def start_beat():
    message = [sys.executable, "-m", "celery", "-A", "movierec", "beat", "--pidfile="]
    return subprocess.Popen(message, env=worker_environment(), cwd=ROOT, start_new_session=True)


STARTS = {
    "light": lambda: start_worker(queues="light,batch"),
    "training": lambda: start_worker(queues="training"),
    "beat": start_beat,
}


@pytest.mark.slow
def test_a_worker_a_trainer_and_a_beat_that_stop_turn_red_and_come_back(
    transactional_db,
    settings,
    monkeypatch,
    api,
    admin_client,
    capsys,
):
    """Stopped so that they stand still, and ended; with a shorter patience than two minutes."""
    clear_caches()
    monkeypatch.setattr(process_checks, "MAX_SILENCE", 15.0)
    monkeypatch.setattr(server_checks, "FRESH_SECONDS", 0.0)
    running = {kind: start() for kind, start in STARTS.items()}

    def state(kind):
        return checks(api)[f"process:{kind}"]["status"]

    def all_are(expected):
        wait_until(lambda: {state(kind) for kind in STARTS} == {expected}, 60)
        tiles = {t.label: t.state for _, group in admin_client.get("/admin/").context["questions"] for t in group}
        displayed = [tiles[process_checks.EXPECTED[kind].label] for kind in STARTS]
        assert set(displayed) == {{"ok": "good", "fail": "bad"}[expected]}
        commanded_checks = json.loads(commanded(capsys, "--json")[1])["checks"]
        reported = {item["name"]: item["status"] for item in commanded_checks}
        assert {reported[f"process:{kind}"] for kind in STARTS} == {expected}

    try:
        all_are("ok")
        wait_until(lambda: checks(api)["tasks"]["status"] == "ok", 60)  # beat asked, a worker did
        for process in running.values():
            os.kill(process.pid, signal.SIGSTOP)
        all_are("fail")
        for process in running.values():
            os.kill(process.pid, signal.SIGCONT)
        all_are("ok")
        for process in running.values():
            process.terminate()
        all_are("fail")
        for process in running.values():
            os.killpg(process.pid, signal.SIGKILL)
        running = {kind: start() for kind, start in STARTS.items()}
        all_are("ok")
    finally:
        for process in running.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        clear_caches()


@pytest.mark.slow
def test_a_trainer_that_works_for_long_stays_green(transactional_db, monkeypatch, api):
    """The pool is busy for longer than the patience; the loop that takes messages is not."""
    clear_caches()
    monkeypatch.setattr(process_checks, "MAX_SILENCE", 15.0)
    monkeypatch.setattr(server_checks, "FRESH_SECONDS", 0.0)
    worker = start_worker(include="tests.support.long_task", queues="training")
    try:
        from tests.support.long_task import work

        wait_until(lambda: checks(api)["process:training"]["status"] == "ok")
        work.apply_async((25,), queue="training")
        wait_until(lambda: any((app.control.inspect(timeout=2).active() or {}).values()))
        until = time.monotonic() + 25
        while time.monotonic() < until:
            assert checks(api)["process:training"]["status"] == "ok"
            time.sleep(1)
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        clear_caches()


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_processes_start_and_work_while_their_logs_find_no_room(transactional_db, monkeypatch, api):
    clear_caches()
    monkeypatch.setattr(server_checks, "FRESH_SECONDS", 0.0)
    with open("/dev/full", "wb") as full:
        message = [sys.executable, "-m", "celery", "-A", "movierec", "beat", "--pidfile="]
        how = {"env": worker_environment(), "cwd": ROOT, "stdout": full, "stderr": full, "start_new_session": True}
        running = [start_worker(queues="light,batch", output=full), subprocess.Popen(message, **how)]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        web = [sys.executable, "-m", "gunicorn", "-c", "movierec/gunicorn.py", "movierec.wsgi"]
        running.append(subprocess.Popen(web, **how | {"env": worker_environment() | {"PORT": str(port)}}))
    try:
        for kind in ("light", "beat", "web", "repair"):
            wait_until(lambda kind=kind: kind in cache.heartbeat_ages())
        assert all(process.poll() is None for process in running)
    finally:
        for process in running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        clear_caches()


def test_a_machine_that_fell_silent_beside_others_is_amber(nobody_reports, api, monkeypatch):
    all_report()
    cache.record_heartbeat(["light"], "light@away")
    redis_connection.client().zincrby(keys.full_key(keys.HEARTBEATS), -300, "light light@away")
    result = checks(api)["process:light"]
    assert (result["status"], "light@away" in result["detail"]) == ("warn", True)
    assert result["figures"]["processes"] == 1
