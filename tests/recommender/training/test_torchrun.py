"""The operator's way to train in several processes."""

import subprocess
import sys

import pytest

from recommender.models import Job, ModelVersion
from tests.support.workers import ROOT, worker_environment


@pytest.mark.slow
def test_two_processes_train_one_model_under_one_lease(ring):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    train = ["manage.py", "train", "--preset", "basic", "--epochs", "2"]
    done = subprocess.run(
        [*torchrun, *train], env=worker_environment(), cwd=ROOT, capture_output=True, text=True, timeout=300
    )

    assert done.returncode == 0, done.stderr
    [version], [job] = ModelVersion.objects.all(), Job.objects.all()
    assert job.status == Job.Status.DONE
    assert job.result["version"] == version.name
    assert len(version.history) == 2
    assert done.stdout.count("Saved checkpoint") == 2
