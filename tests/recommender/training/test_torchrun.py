"""The operator's way to train in several processes."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from recommender import registry
from recommender.models import Experiment, ExperimentArm, Job, ModelVersion
from tests.support.workers import ROOT, wait_until, worker_environment


def train(*options):
    """Run the command in two processes; return what became of it."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [*torchrun, "manage.py", "train", *options],
        env=worker_environment(), cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


@pytest.mark.slow
def test_two_processes_train_one_model_under_one_lease(ring):
    done = train("--preset", "basic", "--epochs", "2")

    assert done.returncode == 0, done.stderr
    [version], [job] = ModelVersion.objects.all(), Job.objects.all()
    assert job.status == Job.Status.DONE
    assert job.result["version"] == version.name
    assert len(version.history) == 2
    assert done.stdout.count("Saved checkpoint") == 2


def _ranks(master):
    """Return the processes that torchrun has started, by rank."""
    found = {}
    children = [path.read_text().split() for path in Path(f"/proc/{master}/task").glob("*/children")]
    for pid in itertools.chain(*children):
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        found |= {int(line.removeprefix(b"RANK=")): int(pid) for line in environment if line.startswith(b"RANK=")}
    return found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_lost_rank_ends_the_run_which_goes_on_at_the_next_start(ring):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    train = ["manage.py", "train", "--preset", "basic", "--set", "layers=1", "--epochs", "8"]
    environment = worker_environment()
    shutil.rmtree(settings.CHECKPOINT_DIR, ignore_errors=True)
    first = subprocess.Popen(
        [*torchrun, *train], env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    checkpoint = Path(settings.CHECKPOINT_DIR) / "transformer_epoch2.pt"
    try:
        wait_until(checkpoint.exists, 500)
        os.kill(_ranks(first.pid)[1], signal.SIGKILL)
        first.communicate(timeout=120)
    finally:
        first.terminate()  # its ranks, too
    assert first.returncode != 0
    assert not ModelVersion.objects.exists()

    again = subprocess.run(
        [*torchrun, *train, "--resume"], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=900
    )

    assert again.returncode == 0, again.stderr
    assert "from its last checkpoint" in again.stdout
    assert "Epoch 1 |" not in again.stdout, "what was done is not done again"
    epochs = [epoch["epoch"] for epoch in ModelVersion.objects.get().history]
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(epochs) > 2


@pytest.mark.slow
def test_two_processes_train_the_models_of_an_experiment(ring):
    experiment = Experiment.objects.create(name="lengths", hypothesis="Fewer films are enough.")
    recipes = {"short": "basic max_len=30 epochs=2", "shorter": "basic max_len=20 epochs=2"}
    for name, recipe in {"control": "", **recipes}.items():
        ExperimentArm.objects.create(experiment=experiment, name=name, recipe=recipe)
    done = train("--experiment", "lengths")

    assert done.returncode == 0, done.stderr
    assert {version.metrics["targets"] > 0 for version in ModelVersion.objects.all()} == {True}
    assert sorted(registry.ranker(name).metadata["config"]["max_len"] for name in versions()) == [20, 30]
    assert registry.active_name() is None
    assert done.stdout.count("Saved checkpoint") == 4
    assert all(name in done.stdout for name in versions())


def versions():
    return list(ModelVersion.objects.values_list("name", flat=True))


def test_an_experiment_without_a_recipe_is_refused(db):
    Experiment.objects.create(name="plain", hypothesis="Other films.")
    for name in ("plain", "none"):
        with pytest.raises(CommandError, match="no draft or running experiment"):
            call_command("train", experiment=name)
