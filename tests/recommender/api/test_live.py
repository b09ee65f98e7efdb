"""Two web processes of the running server, many clients: what was acknowledged is true on the next read, on each."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from catalog.models import Movie, Viewer
from catalog.services import publish_movies, save_record, save_viewer
from recommender.models import ApiKey
from tests.cast import ADA, BEN, CLEO, DAN
from tests.recommender.api.conftest import films
from tests.recommender.worker import ROOT, environment, wait_for


class Server:
    """gunicorn as `./run` starts it, on the test's database and Valkey. Every call takes a new connection, so that
    either process may answer."""

    def __init__(self, key):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url, self.key = f"http://127.0.0.1:{port}", key
        env = environment() | {"PORT": str(port), "MOVIEREC_API_OPEN": "1", "MOVIEREC_LOG_LEVEL": "ERROR"}
        words = [sys.executable, "-m", "gunicorn", "-c", "movierec/gunicorn.py", "movierec.wsgi"]
        self.process = subprocess.Popen(words, env=env, cwd=ROOT, start_new_session=True)

    def call(self, path, body=None, key=False):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Api-Key {self.key}"} if key else {})
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers), timeout=30) as answer:
            return json.load(answer)

    def ready(self):
        try:
            return self.call("/health/ready")["status"] == "ready"
        except OSError:
            return False

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(30)


@pytest.fixture
def server(model):
    _, key = ApiKey.objects.create_key(name="live", scopes=ApiKey.Scope.values)
    running = Server(key)
    wait_for(running.ready)
    yield running
    running.stop()


def test_what_was_acknowledged_is_true_on_the_next_read(server):
    clients_watch(server)
    an_editor_hides_films(server)
    an_editor_sets_ages(server)


def clients_watch(server):
    def site(number):
        """Watches what it is shown, sends every event twice, and looks."""
        rng = random.Random(number)
        viewer = (ADA, BEN, CLEO, DAN)[number % 4]  # two clients for each viewer
        for _ in range(8):
            before = server.call(f"/recommend?user_id={viewer}&top_k=10")
            film = rng.choice(films(before))
            event = {"user_id": viewer, "movie_id": film, "kind": "watch", "event_id": str(uuid4())}
            if rng.random() < 0.5:  # out of order: told late, happened long ago
                event["occurred_at"] = int(time.time()) - rng.randrange(10_000_000)
            for answer in (server.call("/events", event, key=True), server.call("/events", event, key=True)):
                assert answer["rejected"] == 0
                assert answer["visible"]
                after = server.call(f"/recommend?user_id={viewer}&top_k=40")
                assert film not in films(after), after["source"]
                assert (after["model_version"], after["degraded"]) == ("tiny", False)

    with ThreadPoolExecutor(8) as clients:
        list(clients.map(site, range(8)))


def an_editor_hides_films(server):
    shown = films(server.call(f"/recommend?user_id={ADA}&top_k=20"))

    for film in shown[:5]:
        publish_movies([int(film)], published=False)
        with ThreadPoolExecutor(8) as clients:
            reads = list(clients.map(lambda _: server.call(f"/recommend?user_id={ADA}&top_k=20"), range(8)))
        assert not any(film in films(read) for read in reads)


def an_editor_sets_ages(server):
    """A viewer's limit and films' certificates, back and forth, read by eight clients on both processes at once."""

    def reads():
        with ThreadPoolExecutor(8) as clients:
            return list(clients.map(lambda _: server.call(f"/recommend?user_id={CLEO}&top_k=3"), range(8)))

    cleo = Viewer.objects.get(pk=CLEO)
    for years in (8, 17, 8):
        cleo.age_limit = years
        save_viewer(cleo)
        listed = {film for read in reads() for film in films(read)}
        certificates = set(Movie.objects.filter(id__in=listed).values_list("certificate", flat=True))
        assert listed
        assert certificates <= {"G", "PG"} if years == 8 else certificates <= {"G", "PG", "R"}
        film = Movie.objects.get(pk=int(min(listed)))
        film.certificate = "NC-17"
        save_record(film)
        assert not any(str(film.pk) in films(read) for read in reads())


@pytest.mark.slow
def test_whatever_the_schema_allows_or_forbids_is_answered_as_it_says(server, tmp_path):
    """Schemathesis against the running server: no answer outside the schema, no 500."""
    fuzz = Path(sys.executable).with_name("st")
    words = [
        fuzz,
        "run",
        f"{server.url}/schema?format=json",
        "--url",
        server.url,
        "--seed",
        "1",
        "--continue-on-failure",
    ]
    words += ["-H", f"Authorization: Api-Key {server.key}", "--max-examples", "25", "--request-timeout", "30"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-5000:]
