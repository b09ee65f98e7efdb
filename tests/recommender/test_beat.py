"""Real beats: two at once, and one whose clock is moved over the schedule. One night comes of it, and nothing stops."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from movierec.celery import app
from recommender.models import Job
from tests.support.tiny_model import clear_caches
from tests.support.workers import ROOT, start_worker, wait_until, worker_environment

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("transactional_db")]


class Beat:
    def __init__(self, log):
        self.log = log
        words = [sys.executable, "-m", "tests.support.beat_with_clock"]
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                words, env=worker_environment(), cwd=ROOT, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT
            )

    def move_clock(self, seconds):
        """From the truth."""
        self.process.stdin.write(f"{seconds}\n".encode())
        self.process.stdin.flush()

    def sent(self, name):
        return self.log.read_text().count(f"Sending due task {name} ")

    def sends(self, name, more=1, seconds=90):
        """Waits until it has sent the task so many times more."""
        before = self.sent(name)
        wait_until(lambda: self.sent(name) >= before + more, seconds)

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def beat(tmp_path):
    clear_caches()
    running = []

    def start():
        running.append(Beat(tmp_path / f"beat{len(running)}.log"))
        return running[-1]

    worker = start_worker(queues="light")
    yield start
    for process in running:
        process.stop()
    worker.kill()
    worker.wait()
    app.control.purge()
    clear_caches()


def test_two_beats_make_one_night_by_the_schedule_that_was_edited(beat):
    first = beat()
    first.sends("repair")
    assert PeriodicTask.objects.get(name="nightly").crontab.minute == "30"
    often = IntervalSchedule.objects.create(every=2, period=IntervalSchedule.SECONDS)
    night = PeriodicTask.objects.get(name="nightly")
    night.crontab, night.interval = None, often
    night.save()
    first.sends("nightly")

    second = beat()  # a start keeps what was edited

    second.sends("nightly", more=2)
    first.sends("nightly", more=2)
    assert Job.objects.count() == 1
    Job.objects.update(status=Job.Status.DONE)
    second.sends("nightly", more=2)
    first.sends("repair")
    assert Job.objects.count() == 1, "a night that ended soon is not begun again by the other's message"
    Job.objects.update(created_at=datetime.now(UTC) - timedelta(hours=1))
    wait_until(lambda: Job.objects.count() == 2)
    assert json.loads(PeriodicTask.objects.get(name="nightly").kwargs) == {}


def test_a_clock_that_is_moved_over_the_schedule_makes_one_night_and_stops_nothing(beat):
    one = beat()
    one.sends("publish_pending")
    now = datetime.now(UTC)
    to_night = (now.replace(hour=3, minute=29, second=50) + timedelta(days=1) - now).total_seconds()

    one.move_clock(to_night)  # ten seconds before the night of tomorrow
    one.sends("nightly")
    one.move_clock(to_night + 86_400)  # over the night after
    one.sends("nightly")
    one.move_clock(-7_200)  # and two hours behind the truth
    one.sends("publish_pending", more=2)
    one.sends("requeue_lost_jobs")
    one.move_clock(0)
    one.sends("publish_pending", more=2)

    assert one.sent("nightly") == 2
    assert Job.objects.count() == 1
    last = PeriodicTask.objects.get(name="nightly").last_run_at
    assert last < datetime.now(UTC) + timedelta(minutes=5), "the next night is not put off"
