"""A real Prometheus scrapes the exporter: every expression of the dashboards returns data, and the alert rules hold."""

import json
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from datetime import timedelta

import pytest
from django.core.management import get_commands
from django.db import connections
from django.utils import timezone

from recommender import tasks
from recommender.models import Experiment, Exposure, Job, ModelVersion, OutcomeSum
from recommender.outcomes import drift
from recommender.serving import metrics
from tests.support import servers
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN
from tests.support.launcher import ROOT
from tests.support.tiny_model import clear_caches
from tests.support.workers import wait_until, worker_environment

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
needs_prometheus = pytest.mark.skipif(
    not (PROMETHEUS and PROMTOOL), reason="prometheus and promtool are not installed (Debian: apt install prometheus)"
)
DASHBOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
RULES = ROOT / "deploy" / "prometheus"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return answer.read().decode()


def answers(port, path):
    try:
        return bool(get(port, path))
    except (OSError, urllib.error.URLError):
        return False


@pytest.fixture
def start():
    """Return a function that starts a program, which ends with the test."""
    running = []

    def start_program(*command, **more):
        running.append(subprocess.Popen(command, cwd=ROOT, env=worker_environment(), **more))
        return running[-1]

    yield start_program
    for process in running:
        process.terminate()
        process.wait(20)


@pytest.fixture
def exporter(transactional_db, start):
    """Return the port of the exporter, on the test's database."""
    port = free_port()
    start(sys.executable, "manage.py", "serve_metrics", "--port", str(port))
    wait_until(lambda: answers(port, "/metrics"), 120)
    return port


def use(site):
    """Call the system as its clients do."""
    for viewer in (ADA, BEN):
        served = site.get(f"/recommend?user_id={viewer}&top_k=3")
        for kind in ("impression", "click"):
            event = {"user_id": viewer, "movie_id": recommended_ids(served)[0], "kind": kind}
            site.post("/events", {**event, "recommendation_id": served["recommendation_id"]})
    site.get("/nowhere", expect=404)
    site.post("/events", [{"user_id": ADA, "movie_id": "no such film", "kind": "click"}])
    site.client.generic("BREW", "/recommend")
    tasks.store_served_lists()
    tasks.sum_up_outcomes()
    metrics._flushed_at = 0.0  # as after some seconds
    metrics.flush()


def test_figures_are_counted_over_all_processes_and_name_nobody(exporter, more_movies, site):
    before = get(exporter, "/metrics")
    assert "movierec_answers_total 0.0" in before, "a rate needs a first value"
    use(site)
    text = get(exporter, "/metrics")
    for line in (
        "movierec_answers_total 2.0",
        "movierec_events_accepted_total 4.0",
        "movierec_events_rejected_total 1.0",
        'movierec_requests_total{code="200",method="GET",route="recommend"} 2.0',
        'movierec_requests_total{code="404",method="GET",route="no_such_address"} 1.0',
        'movierec_requests_total{code="405",method="other",route="recommend"} 1.0',
        'movierec_log_records_total{fate="stored",log="lists"} 2.0',
        'movierec_log_records_total{fate="stored",log="outcomes"} 4.0',
        'movierec_today{surface="recommend",what="clicks"} 2.0',
        'movierec_check_state{check="postgres"} 0.0',
        "movierec_scrape_complete 1.0",
    ):
        assert line in text.splitlines(), line
    count = re.search(r'duration_seconds_count\{method="GET",route="recommend"\} (\S+)', text)
    assert count is not None
    assert float(count[1]) == 2
    allowed = "code method route le source log fate check figure metric state surface what of phase part experiment arm"
    assert set(re.findall(r'[{,](\w+)="', text)) <= set(allowed.split())
    with pytest.raises(urllib.error.HTTPError):
        get(exporter, "/")


@pytest.mark.parametrize(("part", "check"), [(servers.VALKEY, "redis"), (servers.POSTGRES, "postgres")])
def test_it_says_so_where_a_server_is_away(exporter, more_movies, part, check):
    part.stop()
    try:
        text = get(exporter, "/metrics")
        assert "movierec_scrape_complete 0.0" in text
        assert f'movierec_check_state{{check="{check}"}} 3.0' in text
    finally:
        part.start()
        connections.close_all()
        clear_caches()


def test_drift_is_the_population_stability_index_of_two_weeks():
    """By hand: (0.4 - 0.5) ln(0.4 / 0.5) + (0.6 - 0.5) ln(0.6 / 0.5) = 0.0223 + 0.0182."""
    assert drift.stability_index({"a": 500, "b": 500}, {"a": 400, "b": 600}) == pytest.approx(0.0405, abs=1e-4)
    assert drift.stability_index({"a": 500, "b": 500}, {"a": 600, "b": 399}) is None, "too few"
    assert drift.stability_index({"a": 1_000}, {"a": 999, "b": 1}) < 0.02
    assert drift.score_class(1.1) == 4
    assert drift.score_class(-1e9) == -200


def make_history():
    """Store what days of service leave: a night that ended and one that runs, an experiment, lists of weeks."""
    now = timezone.now()
    seconds = {"read": 2.0, "train": 61.5}
    ended = {"status": Job.Status.DONE, "started_at": now - timedelta(seconds=90), "finished_at": now}
    Job.objects.create(kind=Job.Kind.NIGHTLY, result={"seconds": seconds}, **ended)
    Job.objects.create(kind=Job.Kind.NIGHTLY, status=Job.Status.RUNNING, phase="training", done=1, total=4)
    told = [("Better than popular films", True), ("Not worse than the active model m-1", False)]
    checks = [{"name": name, "passed": passed, "told": ""} for name, passed in told]
    ModelVersion.objects.create(name="m-2", preset="small", metrics={"hr10": 0.5, "gate": {"checks": checks}})
    experiment = Experiment.objects.create(name="variety", hypothesis="?", status=Experiment.Status.RUNNING)
    control, _ = (experiment.arms.create(name=name) for name in ("control", "varied"))
    Exposure.objects.bulk_create(
        Exposure(experiment=experiment, arm=control, viewer_id=viewer, first_at=now) for viewer in range(40)
    )
    for days, classes in ((0, {"4": 400, "8": 600}), (9, {"4": 500, "8": 500})):
        day = now.date() - timedelta(days=days)
        for dimension in ("scores", "genres"):
            OutcomeSum.objects.update_or_create({"counts": classes}, day=day, dimension=dimension, value="")


def test_the_night_the_gate_experiments_and_drift_are_exported(exporter):
    make_history()
    lines = get(exporter, "/metrics").splitlines()
    for line in (
        'movierec_night_part_seconds{part="train"} 61.5',
        'movierec_night_progress_ratio{phase="training"} 0.25',
        'movierec_night_ended{state="done"} 1.0',
        'movierec_gate_check{check="Not worse than the active model"} 0.0',
        'movierec_gate_check{check="Better than popular films"} 1.0',
        "movierec_gate_checks_failed 1.0",
        'movierec_experiment_viewers{arm="control",experiment="variety"} 40.0',
        'movierec_drift_psi{of="scores"} 0.0405',
        'movierec_drift_psi{of="genres"} 0.0405',
    ):
        assert line in lines, line
    [chance] = [line for line in lines if line.startswith("movierec_experiment_sample_ratio_p{")]
    assert float(chance.split()[-1]) < 1e-6, "40 viewers, all of one arm"
    assert not [line for line in lines if 'movierec_drift_psi{of="sources"}' in line]


@needs_prometheus
@pytest.mark.slow
def test_every_expression_of_the_dashboards_returns_data(exporter, more_movies, site, start, tmp_path):
    use(site)
    config = (RULES / "prometheus.yml").read_text().replace("127.0.0.1:9464", f"127.0.0.1:{exporter}")
    (tmp_path / "prometheus.yml").write_text(config.replace("15s", "4s"))
    shutil.copy(RULES / "alerts.yml", tmp_path)
    port = free_port()
    options = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    start(PROMETHEUS, *options, f"--web.listen-address=127.0.0.1:{port}", stderr=subprocess.DEVNULL)
    wait_until(lambda: answers(port, "/-/ready"), 60)

    def query(expression):
        found = json.loads(get(port, f"/api/v1/query?query={urllib.parse.quote(expression)}"))
        return found["data"]["result"]

    wait_until(lambda: bool(query("rate(movierec_answers_total[5m])")), 60)
    use(site)
    make_history()
    wait_until(lambda: bool(query('count_over_time(movierec_drift_psi{of="scores"}[1m]) >= 2')), 60)
    expressions = [
        (panel["title"], target["expr"])
        for dashboard in DASHBOARDS
        for panel in json.loads(dashboard.read_text())["panels"]
        for target in panel["targets"]
    ]
    assert len(expressions) > 20
    assert [title for title, expression in expressions if not query(expression)] == []
    groups = json.loads(get(port, "/api/v1/rules"))["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 10
    assert {rule["health"] for rule in rules} == {"ok"}


@needs_prometheus
def test_the_alerts_fire_where_they_should_and_say_what_to_do():
    for arguments in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run([PROMTOOL, *arguments], cwd=RULES, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert subprocess.run([PROMTOOL, "check", "config", "prometheus.yml"], cwd=RULES).returncode == 0
    texts = re.findall(r"description: \"(.+)\"", (RULES / "alerts.yml").read_text())
    names = re.findall(r"alert: (\w+)", (RULES / "alerts.yml").read_text())
    assert len(texts) == len(names)
    tested = (RULES / "alerts_test.yml").read_text()
    assert [name for name in names if name not in tested] == []


def test_a_port_in_use_is_named(db, start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = start(sys.executable, "manage.py", "serve_metrics", "--port", port, stderr=subprocess.PIPE)
        assert f"Port {port} cannot be used".encode() in command.communicate(timeout=120)[1]


def test_what_an_alert_tells_to_do_is_there_to_be_done():
    """Commands, settings, figures and parts that the rules' texts and the table of alerts name."""
    rules, manual = (RULES / "alerts.yml").read_text(), (ROOT / "docs" / "operations.md").read_text()
    start = manual.index("**What an alert means.**")
    table = manual[start : manual.index("\n\n**", start)]
    for name in re.findall(r"alert: (\w+)", rules):
        assert f"`{name}`" in table, name
    for text in (rules, table):
        assert set(re.findall(r"manage (\w+)", text)) <= set(get_commands())
        settings_named = re.findall(r"MOVIEREC_[A-Z_]+", text)
        assert [name for name in settings_named if f"| `{name}` |" not in manual] == []
        assert [path for path in re.findall(r"docs/[\w-]+\.md", text) if not (ROOT / path).exists()] == []
    described = re.findall(r"movierec_\w+", "".join(re.findall(r"description: (.+)", rules)) + table)
    assert [name for name in described if name not in manual[: start + 1] + manual[start + len(table) :]] == []
